import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiResponse, Environment, Identity } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import { type Outcome, type OutcomeRecord, worst } from '../lifecycle/outcome.ts';
import { said } from '../lifecycle/redact.ts';
import { errorCodeOf, valueAt } from './answer-body.ts';
import { attempt, outcomeOf, type ProbeTitle } from './attempt.ts';

export interface CanaryOptions {
  readonly signal: AbortSignal;
  /** who walks, the first of them; default: the first student of the environment */
  readonly students?: () => Promise<readonly Identity[]>;
  /** logs in as this student first, which spends one of the few logins that the platform allows in a minute */
  readonly login?: { readonly email: string; readonly password: string };
}

export interface Canary {
  readonly outcome: Outcome;
  readonly outcomes: readonly OutcomeRecord[];
  /** sessions that it has left behind: the platform cannot delete them */
  readonly sessionIds: readonly string[];
  readonly userId: string | undefined;
}

interface Walk {
  token?: string;
  userId?: string;
  readonly sessionIds: string[];
  /** of these, what is not handed in yet */
  readonly open: Set<string>;
}

interface Step extends ProbeTitle {
  /** says what was seen, or throws Broken or Undetermined */
  readonly walk: () => Promise<string>;
}

/** The platform answered, and the answer is wrong. */
class Broken extends Error {}

const durationSeconds = 3_600;

/**
 * One student's way through an exam, before any load is put on the platform: an untimed and a timed session,
 * an answer that is read back through the API and from the table, and two submits with one score.
 */
export async function walkCanary(environment: Environment, options: CanaryOptions): Promise<Canary> {
  const walk: Walk = { sessionIds: [], open: new Set() };
  const steps = [
    loginStep(environment, options, walk),
    ...sessionSteps(environment, options.signal, walk, 'untimed'),
    ...sessionSteps(environment, options.signal, walk, 'timed'),
  ];
  const outcomes: OutcomeRecord[] = [];
  let stoppedAt: string | undefined;
  for (const step of steps) {
    if (stoppedAt !== undefined) {
      outcomes.push(outcomeOf(step, 'skipped', `the canary stopped at "${stoppedAt}"`));
      continue;
    }
    const outcome = await take(step, options.signal);
    if (outcome.outcome !== 'pass') stoppedAt = step.title;
    outcomes.push(outcome);
  }
  await endOpen(environment, walk);
  return {
    outcome: worst(outcomes.map(({ outcome }) => outcome)),
    outcomes,
    sessionIds: walk.sessionIds,
    userId: walk.userId,
  };
}

/** Milliseconds: the platform counts by the minute. */
const endsWithin = 75_000;

/** A session that stays open would count as a student in an exam for whoever operates the environment next. */
async function endOpen({ api }: Environment, { token, open }: Walk): Promise<void> {
  const deadline = performance.now() + endsWithin;
  for (const sessionId of open) {
    for (;;) {
      const answer = await attempt(() =>
        api.request({
          method: 'POST',
          path: `/sessions/${sessionId}/submit`,
          ...(token === undefined ? {} : { as: { token } }),
        }),
      );
      const isLimited = 'value' in answer && answer.value.status === 429;
      const waits = 1_000 * Number(('value' in answer && answer.value.headers['retry-after']) || 5);
      if (!isLimited || performance.now() + waits > deadline) break;
      await sleep(waits);
    }
  }
}

async function take(step: Step, signal: AbortSignal): Promise<OutcomeRecord> {
  try {
    const walked = await attempt(step.walk, signal);
    if ('problem' in walked) return outcomeOf(step, 'unknown', walked.problem, walked.hint);
    return outcomeOf(step, 'pass', walked.value);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return outcomeOf(
      step,
      'fail',
      error.message,
      'do not start an exam or a rehearsal: students would see the same; look at the log of the backend',
    );
  }
}

function loginStep(environment: Environment, { students, login, signal }: CanaryOptions, walk: Walk): Step {
  return {
    id: 'canary-login',
    title: login === undefined ? 'the student is recognised' : 'the student can log in',
    async walk() {
      if (login !== undefined) {
        const answer = await environment.api.request({
          method: 'POST',
          path: '/auth/login',
          body: login,
          signal,
        });
        walk.token = textAt(expectOk(answer, 'POST /auth/login'), 'tokens.access_token');
      } else {
        const [student] = await (students ?? (() => environment.identities(1)))();
        if (student === undefined) throw new Undetermined('there is no student to walk as');
        walk.token = student.token;
      }
      const me = expectOk(
        await environment.api.request({ method: 'GET', path: '/auth/me', as: { token: walk.token }, signal }),
        'GET /auth/me',
      );
      walk.userId = textAt(me, 'user.id');
      return 'GET /auth/me answers 200';
    },
  };
}

function sessionSteps(
  environment: Environment,
  signal: AbortSignal,
  walk: Walk,
  kind: 'untimed' | 'timed',
): Step[] {
  let sessionId = '';
  let questionId = '';
  const selected = 1;
  const api = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await environment.api.request({
      method,
      path,
      signal,
      ...(walk.token === undefined ? {} : { as: { token: walk.token } }),
      ...(body === undefined ? {} : { body }),
    });
    return expectOk(answer, `${method} ${path}`);
  };
  return [
    {
      id: `canary-${kind}-create`,
      title: `${kind === 'timed' ? 'a timed' : 'an untimed'} session can be started, and read`,
      async walk() {
        const created = await api('POST', '/sessions', {
          mode: 'EXAM',
          year: 1,
          blocks: ['A'],
          count: 5,
          ...(kind === 'timed' ? { duration_seconds: durationSeconds } : {}),
        });
        sessionId = textAt(created, 'session_id');
        walk.sessionIds.push(sessionId);
        walk.open.add(sessionId);
        const read = await api('GET', `/sessions/${sessionId}`);
        questionId = textAt(read, 'questions.0.question_id');
        const expires = valueAt(read, 'session.expires_at');
        if ((typeof expires === 'string') !== (kind === 'timed')) {
          throw new Broken(`the ${kind} session ${sessionId} has expires_at ${said(expires)}`);
        }
        return `session ${sessionId}`;
      },
    },
    {
      id: `canary-${kind}-answer`,
      title: 'an answer is accepted',
      async walk() {
        const answered = await api('POST', `/sessions/${sessionId}/answer`, {
          question_id: questionId,
          selected_index: selected,
        });
        const acknowledged = valueAt(answered, 'answer.selected_index');
        if (acknowledged !== selected) {
          throw new Broken(`choice ${selected} was sent, ${said(acknowledged)} acknowledged`);
        }
        return `choice ${selected} acknowledged`;
      },
    },
    {
      id: `canary-${kind}-read-back`,
      title: 'the answer is there when read back',
      async walk() {
        const read = await api('GET', `/sessions/${sessionId}`);
        const questions = valueAt(read, 'questions');
        const question = Array.isArray(questions)
          ? questions.find((each) => valueAt(each, 'question_id') === questionId)
          : undefined;
        if (valueAt(question, 'has_answer') !== true) {
          throw new Broken(`GET /sessions/${sessionId} does not show the acknowledged answer`);
        }
        const stored = await environment.withPostgres((postgres) =>
          postgres.query<{ selected_index: number | null }>(
            'SELECT selected_index FROM session_answers WHERE session_id = $1 AND question_id = $2',
            [sessionId, questionId],
          ),
        );
        const [row] = stored.rows;
        if (row?.selected_index !== selected) {
          throw new Broken(
            `session_answers of session ${sessionId} holds ${row === undefined ? 'no row' : JSON.stringify(row.selected_index)}, acknowledged was ${selected}`,
          );
        }
        return 'the API and the table agree';
      },
    },
    {
      id: `canary-${kind}-submit`,
      title: 'submitting twice gives one score',
      async walk() {
        const first = scoreOf(await api('POST', `/sessions/${sessionId}/submit`));
        const second = scoreOf(await api('POST', `/sessions/${sessionId}/submit`));
        walk.open.delete(sessionId);
        if (first !== second) throw new Broken(`the first submit gave ${first}, the second ${second}`);
        return `score ${first}`;
      },
    },
  ];
}

/** The body of a 200; other answers say what the platform would say to a student. */
function expectOk({ status, body }: ApiResponse, request: string): unknown {
  if (status === 200) return body;
  const code = errorCodeOf(body);
  const message = valueAt(body, 'message') ?? valueAt(body, 'error.message');
  const told = [`${request}: HTTP ${status}`, code, typeof message === 'string' ? said(message) : undefined]
    .filter((part) => part !== undefined)
    .join(' ');
  if (status === 401) throw new Undetermined(`${told}: the login of the student is refused`);
  if (status === 429) {
    throw new Undetermined(`${told}: rate limited`, { hint: 'wait a minute in silence, then ask again' });
  }
  throw new Broken(told);
}

function textAt(body: unknown, path: string): string {
  const value = valueAt(body, path);
  if (typeof value !== 'string') throw new Broken(`the answer has no ${path}`);
  return value;
}

function scoreOf(body: unknown): string {
  const correct = valueAt(body, 'score_correct');
  const total = valueAt(body, 'score_total');
  if (typeof correct !== 'number' || typeof total !== 'number') {
    throw new Broken(`submit answered without a score: ${said(body)}`);
  }
  return `${correct} of ${total}`;
}
