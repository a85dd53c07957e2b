import { z } from 'zod';
import type { Database } from '../database.ts';
import { forbidden, plainError } from '../errors.ts';
import type { User } from '../users.ts';
import { parse } from '../validation.ts';

export type SessionStatus = 'ACTIVE' | 'SUBMITTED' | 'EXPIRED';

export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly mode: 'TUTOR' | 'EXAM';
  readonly status: SessionStatus;
  readonly year: number;
  readonly blocks_json: readonly string[];
  readonly themes_json: readonly number[] | null;
  readonly total_questions: number;
  readonly started_at: Date;
  readonly submitted_at: Date | null;
  readonly duration_seconds: number | null;
  readonly expires_at: Date | null;
  readonly score_correct: number | null;
  readonly score_total: number | null;
  readonly score_pct: number | null;
  readonly created_at: Date;
  readonly updated_at: Date | null;
}

/** Shared by SELECT and RETURNING, so without an alias of the table. */
export const sessionColumns = `test_sessions.id, test_sessions.user_id, mode, status, year, blocks_json, themes_json,
  total_questions, started_at, submitted_at, duration_seconds, expires_at, score_correct, score_total,
  score_pct::float8 AS score_pct, test_sessions.created_at, test_sessions.updated_at`;

const sessionParams = z.object({ session_id: z.guid() });

export function sessionIdOf(params: unknown): string {
  return parse(sessionParams, params).session_id;
}

export function belongsTo<T extends { readonly user_id: string }>(session: T | undefined, user: User): T {
  if (session === undefined) throw plainError(404, 'Session not found');
  // admins, too, see only their own
  if (session.user_id !== user.id) throw forbidden('Not your session');
  return session;
}

/** Expiry is lazy: whoever looks at a session that is over its time ends it. It leaves no event. */
export async function loadSession(database: Database, id: string, user: User): Promise<SessionRow> {
  const found = await database.one<SessionRow & { overdue: boolean }>(
    `SELECT ${sessionColumns}, status = 'ACTIVE' AND expires_at <= now() AS overdue FROM test_sessions WHERE id = $1`,
    [id],
  );
  const { overdue, ...session } = belongsTo(found, user);
  return overdue === true ? endSession(database, id, 'EXPIRED') : session;
}

/** Scores and ends the session, without a lock, as the platform does it. */
export async function endSession(
  database: Database,
  id: string,
  status: 'SUBMITTED' | 'EXPIRED',
  { scored = true }: { scored?: boolean } = {},
): Promise<SessionRow> {
  const row = await database.one<SessionRow>(
    `WITH score AS (
       SELECT count(*) FILTER (WHERE is_correct)::int AS correct FROM session_answers WHERE session_id = $1
     )
     UPDATE test_sessions
        SET status = $2::session_status, submitted_at = now(), updated_at = now(),
            score_correct = CASE WHEN $3::bool THEN score.correct END,
            score_total = CASE WHEN $3::bool THEN total_questions END,
            score_pct = CASE WHEN $3::bool THEN round(100.0 * score.correct / total_questions, 2) END
       FROM score
      WHERE test_sessions.id = $1
      RETURNING ${sessionColumns}`,
    [id, status, scored],
  );
  if (row === undefined) throw plainError(404, 'Session not found');
  return row;
}
