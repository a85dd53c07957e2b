import type { Postgres } from '../../lifecycle/environment.ts';
import type { LedgerFacts } from '../../lifecycle/platform.ts';

export interface StoredAnswer {
  readonly id: string;
  readonly value: number | null;
  /** milliseconds since 1970 */
  readonly writtenAt: number;
}

export interface StoredSession {
  /** null: there is no such session */
  readonly state: SessionState | null;
  /** by question; two rows for one are two answers */
  readonly answers: ReadonlyMap<string, readonly StoredAnswer[]>;
}

export interface SessionState {
  readonly submitted: boolean;
  /** the status as stored */
  readonly status: string;
  readonly score: number | null;
  /** of the answers that are stored, by the questions as they were frozen; null: they cannot be scored */
  readonly recomputed: number | null;
  /** different scores among its submit events */
  readonly eventScores: number;
}

interface AnswerRow {
  readonly session_id: string;
  readonly question_id: string;
  readonly answer_id: string;
  readonly value: number | null;
  readonly written_ms: number;
}

interface SessionRow {
  readonly session_id: string;
  readonly status: string;
  readonly submitted: boolean;
  readonly score: number | null;
  readonly recomputed: number | null;
  readonly event_scores: number;
}

/** In one statement each: one by one would take minutes, all at once a plan over whole tables. */
export async function storedSessions(
  postgres: Postgres,
  { answersSql, sessionsSql }: LedgerFacts,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, StoredSession>> {
  const sessions = await postgres.query<SessionRow>(sessionsSql, [sessionIds]);
  const answers = await postgres.query<AnswerRow>(answersSql, [sessionIds]);
  const states = new Map(sessions.rows.map((row) => [row.session_id, stateOf(row)]));
  const bySession = new Map<string, Map<string, StoredAnswer[]>>();
  for (const row of answers.rows) {
    const questions = bySession.get(row.session_id) ?? new Map<string, StoredAnswer[]>();
    bySession.set(row.session_id, questions);
    const rows = questions.get(row.question_id) ?? [];
    questions.set(row.question_id, rows);
    rows.push({ id: row.answer_id, value: row.value, writtenAt: row.written_ms });
  }
  return new Map(
    sessionIds.map((id) => [id, { state: states.get(id) ?? null, answers: bySession.get(id) ?? new Map() }]),
  );
}

function stateOf({ submitted, status, score, recomputed, event_scores }: SessionRow): SessionState {
  return { submitted, status, score, recomputed, eventScores: event_scores };
}
