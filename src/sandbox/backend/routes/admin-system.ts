import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import type { Flag, FlagKey } from '../flags.ts';
import {
  changeFlag,
  checkConfirmation,
  flagPhrases,
  refuseInAdminFreeze,
  switchRequest,
} from '../switches.ts';
import { requireRole } from '../users.ts';
import { parse } from '../validation.ts';

const switches: readonly { path: string; key: FlagKey; action: string }[] = [
  { path: '/exam-mode', key: 'EXAM_MODE', action: 'EXAM_MODE_CHANGED' },
  { path: '/freeze-updates', key: 'FREEZE_UPDATES', action: 'FREEZE_UPDATES_CHANGED' },
];

export function adminSystemRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/info', async (request) => {
    await requireRole(backend, request, 'ADMIN', 'REVIEWER');
    return {
      // as on the platform, which reads a setting that does not exist
      environment: 'development',
      api_version: 'v1',
      backend_version: 'unknown',
      exam_mode: await backend.flags.isOn('EXAM_MODE'),
      freeze_updates: await backend.flags.isOn('FREEZE_UPDATES'),
      server_time: new Date(),
    };
  });

  for (const { path, key, action } of switches) {
    app.get(path, async (request) => {
      await requireRole(backend, request, 'ADMIN');
      return flagState(await backend.flags.get(key));
    });

    app.post(path, async (request) => {
      const { id: userId } = await requireRole(backend, request, 'ADMIN');
      const given = parse(switchRequest, request.body);
      await refuseInAdminFreeze(backend);
      const { enabled, reason } = given;
      checkConfirmation(given, enabled ? flagPhrases[key].on : flagPhrases[key].off);
      await changeFlag(backend, { key, value: enabled, reason, userId }, (before) => ({
        text: `INSERT INTO audit_log (actor_user_id, action, entity_type, entity_id, before, after, meta)
               VALUES ($1, $2, 'SYSTEM_FLAG', $3, $4, $5, $6)`,
        values: [
          userId,
          action,
          // flags have no uuid: the platform makes one up
          randomUUID(),
          JSON.stringify({ enabled: before }),
          JSON.stringify({ enabled }),
          JSON.stringify({ reason, request_id: request.requestId }),
        ],
      }));
      return flagState(await backend.flags.get(key));
    });
  }
}

function flagState({ enabled, updatedAt, updatedBy, reason, source }: Flag) {
  return { enabled, updated_at: updatedAt, updated_by: updatedBy, reason, source };
}
