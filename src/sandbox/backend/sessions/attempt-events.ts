import { randomUUID } from 'node:crypto';
import type { Database } from '../database.ts';

export interface AttemptEvent {
  readonly type: 'SESSION_CREATED' | 'ANSWER_SUBMITTED' | 'SESSION_SUBMITTED' | 'SESSION_REVIEW_VIEWED';
  readonly sessionId: string;
  readonly userId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A transaction of its own, after the change that it tells of. The question's id is in the payload only. */
export async function recordEvent(
  database: Database,
  { type, sessionId, userId, payload }: AttemptEvent,
): Promise<void> {
  await database.query(
    `INSERT INTO attempt_events (id, event_type, session_id, user_id, source, payload_json)
     VALUES ($1, $2, $3, $4, 'api', $5)`,
    [randomUUID(), type, sessionId, userId, JSON.stringify(payload)],
  );
}
