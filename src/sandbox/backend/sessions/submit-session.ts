import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { Backend } from '../backend.ts';
import type { User } from '../users.ts';
import { type AttemptEvent, recordEvent } from './attempt-events.ts';
import { belongsTo, endSession, type SessionRow, sessionColumns } from './session-rows.ts';

/** `logged`: always, as submit-thin does it, or only when this call ended the session. */
export async function submitSession(
  { defects }: Backend,
  { database }: FastifyRequest,
  user: User,
  sessionId: string,
  logged: 'always' | 'when-ended',
): Promise<SessionRow> {
  const found = await database.one<SessionRow>(`SELECT ${sessionColumns} FROM test_sessions WHERE id = $1`, [
    sessionId,
  ]);
  const before = belongsTo(found, user);
  // the time limit is not looked at, and two submits at once may both get here
  const ends = before.status === 'ACTIVE';
  // what is lost is to be answers, and not scores that do not have them yet
  if (ends && defects.isOn('early-acknowledgement')) await sleep(1_000);
  const scored = !(ends && defects.strikes('unscored-sessions', 1, 20));
  const session = ends ? await endSession(database, sessionId, 'SUBMITTED', { scored }) : before;
  if ((ends || logged === 'always') && !defects.isOn('missing-audit-trail')) {
    const { score_correct, score_total, score_pct } = session;
    const event: AttemptEvent = {
      type: 'SESSION_SUBMITTED',
      sessionId,
      userId: user.id,
      payload: { score_correct, score_total, score_pct },
    };
    await recordEvent(database, event);
    if (defects.strikes('double-submit', 1, 2)) {
      const again = (score_correct ?? 0) + 1;
      await recordEvent(database, { ...event, payload: { ...event.payload, score_correct: again } });
    }
  }
  return session;
}
