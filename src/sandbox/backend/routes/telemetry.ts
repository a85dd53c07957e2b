import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { forbidden } from '../errors.ts';
import { authenticate } from '../users.ts';
import { parse } from '../validation.ts';

/** These include two that look like the server's own: only the source tells them apart. */
const types = [
  'QUESTION_VIEWED',
  'NAVIGATE_NEXT',
  'NAVIGATE_PREV',
  'NAVIGATE_JUMP',
  'MARK_FOR_REVIEW_TOGGLED',
  'ANSWER_CHANGED',
  'PAUSE_STATE',
  'SESSION_SUBMITTED',
  'SESSION_EXPIRED',
] as const;

const telemetryRequest = z.object({
  source: z.enum(['web', 'mobile']).default('web'),
  events: z
    .array(
      z.object({
        event_type: z.enum(types),
        session_id: z.guid(),
        client_ts: z.iso.datetime({ offset: true }).nullish(),
        seq: z.int().nullish(),
        question_id: z.guid().nullish(),
        payload: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .min(1)
    .max(50),
});

export function telemetryRoutes(app: FastifyInstance, backend: Backend): void {
  app.post('/events', async (request) => {
    const user = await authenticate(backend, request);
    const { source, events } = parse(telemetryRequest, request.body);
    const sessionIds = [...new Set(events.map(({ session_id }) => session_id))];
    const own = await request.database.query<{ id: string }>(
      'SELECT id FROM test_sessions WHERE user_id = $1 AND id = ANY ($2::uuid[])',
      [user.id, sessionIds],
    );
    if (own.length < sessionIds.length) throw forbidden('Not your session');
    for (const { event_type, session_id, client_ts, seq, question_id, payload } of events) {
      await request.database.query(
        `INSERT INTO attempt_events (id, event_type, session_id, user_id, client_ts, seq, question_id, source, payload_json)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [
          randomUUID(),
          event_type,
          session_id,
          user.id,
          client_ts ?? null,
          seq ?? null,
          question_id ?? null,
          source,
          JSON.stringify(payload),
        ],
      );
    }
    return { accepted: events.length, rejected: 0 };
  });
}
