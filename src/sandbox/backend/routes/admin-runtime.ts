import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { limitRate, rateLimits } from '../rate-limit.ts';
import { changeFlag, checkConfirmation, flagPhrases, refuseInAdminFreeze } from '../switches.ts';
import { requireRole } from '../users.ts';
import { parse } from '../validation.ts';

const flagRequest = z.object({
  key: z.enum(['EXAM_MODE', 'FREEZE_UPDATES']),
  value: z.boolean(),
  reason: z.string().default(''),
  confirmation_phrase: z.string().default(''),
});

const resolvedMs = 10_000;

interface Resolved {
  readonly profile: string;
  readonly exam_mode: boolean;
  readonly freeze_updates: boolean;
}

export function adminRuntimeRoutes(app: FastifyInstance, backend: Backend): void {
  // A second cache, which a toggle through /admin/system does not clear.
  let known: { resolved: Resolved; until: number } | undefined;

  app.get('/status', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const rows = await request.database.query<{ key: string; value: boolean }>(
      'SELECT key, value, updated_at, reason FROM system_flags ORDER BY key',
    );
    if (known === undefined || known.until <= Date.now()) {
      const resolved = {
        profile: 'primary',
        exam_mode: await backend.flags.isOn('EXAM_MODE'),
        freeze_updates: await backend.flags.isOn('FREEZE_UPDATES'),
      };
      known = { resolved, until: Date.now() + resolvedMs };
    }
    return { active_profile: 'primary', flags: rows, module_overrides: [], resolved: known.resolved };
  });

  app.post('/flags', async (request) => {
    const { id: userId } = await requireRole(backend, request, 'ADMIN');
    const given = parse(flagRequest, request.body);
    await limitRate(backend.cache, rateLimits.runtimeSwitch, userId);
    await refuseInAdminFreeze(backend);
    const { key, value, reason } = given;
    checkConfirmation(given, value ? flagPhrases[key].on : flagPhrases[key].off);
    await changeFlag(backend, { key, value, reason, userId }, (before) => ({
      text: `INSERT INTO switch_audit_log (id, actor_user_id, action_type, before, after, reason)
             VALUES ($1, $2, 'FLAG_SET', $3, $4, $5)`,
      values: [
        randomUUID(),
        userId,
        JSON.stringify({ key, value: before }),
        JSON.stringify({ key, value }),
        reason,
      ],
    }));
    known = undefined;
    const { updatedAt } = await backend.flags.get(key);
    return { key, value, updated_at: updatedAt };
  });
}
