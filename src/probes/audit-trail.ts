import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { attempt, had, judged, outcomeOf } from './attempt.ts';
import { lastToggle, readFlag } from './exam-mode-flag.ts';
import { unrecorded } from './exam-mode-status.ts';
import { judgeRequestLog, probeRequestLog } from './request-log-audit.ts';

export interface AuditTrailOptions {
  readonly signal: AbortSignal;
  /** only these sessions; default: all that were started since */
  readonly sessionIds?: readonly string[];
  /** start of the exam or rehearsal */
  readonly since: Date;
}

interface Trail {
  readonly written: number;
  readonly unlogged: number;
  /** one of those without a record */
  readonly example: string | null;
}

const answersProbe = { id: 'answers-on-record', title: 'each answer has its event' };
const submitsProbe = { id: 'submits-on-record', title: 'each submit has its event' };
const togglesProbe = { id: 'toggles-on-record', title: 'the last toggle of exam mode is on record' };

/** Whether it could be told afterwards who did what when: the gate "logs sufficient for audit". */
export async function auditTrail(
  environment: Environment,
  options: AuditTrailOptions,
): Promise<OutcomeRecord[]> {
  const [answers, submits, toggles, requests] = await Promise.all([
    attempt(() => settledTrail(environment, options, answersSql), options.signal),
    attempt(() => settledTrail(environment, options, submitsSql), options.signal),
    probeToggles(environment, options),
    attempt(() => probeRequestLog(environment, options), options.signal),
  ]);
  return [
    judged(answersProbe, answers, (trail) => judgeTrail(answersProbe, trail, 'answers', 'ANSWER_SUBMITTED')),
    judged(submitsProbe, submits, (trail) => judgeTrail(submitsProbe, trail, 'submits', 'SESSION_SUBMITTED')),
    judgeRequestLog(requests),
    toggles,
  ];
}

export function judgeTrail(
  probe: { id: string; title: string },
  { written, unlogged, example }: Trail,
  what: string,
  event: string,
): OutcomeRecord {
  if (written === 0) return outcomeOf(probe, 'unknown', `there were no ${what} to look at`);
  if (unlogged === 0) return outcomeOf(probe, 'pass', `${written} ${what}, each with ${event}`);
  return outcomeOf(
    probe,
    'fail',
    `${unlogged} of ${written} ${what} have no ${event} event in attempt_events, for one ${example}`,
    'a dispute about them could not be settled: look at the log of the backend at that time',
  );
}

/** The row is committed first, its event in a second transaction: what is missing is looked for once more. */
async function settledTrail(
  environment: Environment,
  { sessionIds, since, signal }: AuditTrailOptions,
  sql: string,
): Promise<Trail> {
  const look = () =>
    environment.withPostgres(
      async (postgres) => {
        const { rows } = await postgres.query<Trail>(sql, [sessionIds ?? null, since]);
        return rows[0] ?? { written: 0, unlogged: 0, example: null };
      },
      { statementTimeout: 30_000 },
    );
  const first = await look();
  if (first.unlogged === 0) return first;
  await sleep(1_000, undefined, { signal });
  return look();
}

/** Offline sync writes answers with events of another source; only what the API itself acknowledged is asked for. */
const answersSql = `
  SELECT count(*)::int AS written,
         (count(*) FILTER (WHERE unlogged))::int AS unlogged,
         min('session ' || session_id || ' question ' || question_id) FILTER (WHERE unlogged) AS example
    FROM (SELECT answer.session_id, answer.question_id,
                 NOT EXISTS (SELECT 1 FROM attempt_events event
                              WHERE event.session_id = answer.session_id
                                AND event.event_type = 'ANSWER_SUBMITTED'
                                AND event.payload_json->>'question_id' = answer.question_id::text) AS unlogged
            FROM test_sessions session
            JOIN session_answers answer ON answer.session_id = session.id
           WHERE CASE WHEN $1::uuid[] IS NULL THEN session.created_at >= $2 ELSE session.id = ANY($1) END) each_answer`;

/** Expiry writes no event, so only what was submitted. */
const submitsSql = `
  SELECT count(*)::int AS written,
         (count(*) FILTER (WHERE unlogged))::int AS unlogged,
         min('session ' || id) FILTER (WHERE unlogged) AS example
    FROM (SELECT session.id,
                 NOT EXISTS (SELECT 1 FROM attempt_events event
                              WHERE event.session_id = session.id
                                AND event.event_type = 'SESSION_SUBMITTED'
                                AND event.source = 'api') AS unlogged
            FROM test_sessions session
           WHERE session.status = 'SUBMITTED'
             AND CASE WHEN $1::uuid[] IS NULL THEN session.created_at >= $2 ELSE session.id = ANY($1) END) each_submit`;

async function probeToggles(
  environment: Environment,
  { since, signal }: AuditTrailOptions,
): Promise<OutcomeRecord> {
  const { flag: key } = environment.platform.examMode;
  const flag = await attempt(() => readFlag(environment, key), signal);
  const toggle = await attempt(() => lastToggle(environment, key), signal);
  for (const part of [flag, toggle]) {
    if ('problem' in part) return outcomeOf(togglesProbe, 'unknown', part.problem, part.hint);
  }
  const row = had(flag);
  if (row == null || row.updatedAt < since) {
    return outcomeOf(togglesProbe, 'skipped', `exam mode was not toggled since ${since.toISOString()}`);
  }
  const [missing] = unrecorded(flag, toggle);
  if (missing !== undefined) {
    return outcomeOf(
      togglesProbe,
      'fail',
      missing,
      'toggle it by examctl exam-mode, which puts it on record',
    );
  }
  const record = had(toggle);
  return outcomeOf(
    togglesProbe,
    'pass',
    record == null
      ? 'never toggled'
      : `${record.at.toISOString()} by ${record.by ?? 'nobody named'} in ${record.recordedIn}`,
  );
}
