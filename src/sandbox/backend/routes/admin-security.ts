import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import type { Queryable } from '../database.ts';
import { checkConfirmation } from '../switches.ts';
import { requireRole } from '../users.ts';
import { parse } from '../validation.ts';

const freezeRequest = z.object({
  freeze: z.boolean(),
  reason: z.string().default(''),
  confirmation_phrase: z.string().default(''),
});

interface FreezeRow {
  readonly admin_freeze: boolean;
  readonly freeze_reason: string | null;
  readonly set_by_user_id: string | null;
  readonly set_at: Date | null;
}

const readFreeze =
  'SELECT admin_freeze, freeze_reason, set_by_user_id, set_at FROM admin_security_runtime WHERE id = 1';

export function adminSecurityRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/runtime', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const [row] = await request.database.query<FreezeRow>(readFreeze);
    return row;
  });

  app.post('/freeze', async (request) => {
    const { id: userId } = await requireRole(backend, request, 'ADMIN');
    const given = parse(freezeRequest, request.body);
    checkConfirmation(given, 'SET ADMIN FREEZE');
    const { freeze, reason } = given;
    return backend.uncounted.transaction(async (transaction) => ({
      value: await setFreeze(transaction, { freeze, reason, userId, requestId: request.requestId }),
    }));
  });
}

async function setFreeze(
  transaction: Queryable,
  {
    freeze,
    reason,
    userId,
    requestId,
  }: { freeze: boolean; reason: string; userId: string; requestId: string },
): Promise<FreezeRow | undefined> {
  const [before] = await transaction.query<FreezeRow>(`${readFreeze} FOR UPDATE`);
  await transaction.query(
    `UPDATE admin_security_runtime SET admin_freeze = $1, freeze_reason = $2, set_by_user_id = $3, set_at = now()
      WHERE id = 1`,
    [freeze, reason, userId],
  );
  await transaction.query(
    `INSERT INTO audit_log (actor_user_id, action, entity_type, entity_id, before, after, meta)
     VALUES ($1, 'ADMIN_FREEZE_CHANGED', 'ADMIN_SECURITY_RUNTIME', gen_random_uuid(), $2, $3, $4)`,
    [
      userId,
      JSON.stringify({ admin_freeze: before?.admin_freeze ?? false }),
      JSON.stringify({ admin_freeze: freeze }),
      JSON.stringify({ reason, request_id: requestId }),
    ],
  );
  const [after] = await transaction.query<FreezeRow>(readFreeze);
  return after;
}
