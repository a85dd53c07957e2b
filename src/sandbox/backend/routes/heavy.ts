import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { importBodyLimit } from '../bodies.ts';
import { heavyOperations, recordHeavyRun, refuseInExamMode } from '../exam-mode.ts';
import { limitRate } from '../rate-limit.ts';
import { authenticate, requireRole } from '../users.ts';

export function heavyRoutes(app: FastifyInstance, backend: Backend): void {
  for (const operation of heavyOperations) {
    const { path, limiter } = operation;
    app.post(path, {
      ...(path === '/admin/import/questions' ? { config: { bodyLimit: importBodyLimit } } : {}),
      // before the body is read: the gate comes before authentication and validation
      onRequest: async (request) => {
        if (limiter !== undefined) {
          const { id } = await authenticate(backend, request);
          await limitRate(backend.cache, limiter, id);
        }
        await refuseInExamMode(backend, operation);
      },
      handler: async (request, reply) => {
        await requireRole(backend, request, 'ADMIN');
        return reply.code(202).send(await recordHeavyRun(request, operation));
      },
    });
  }
}
