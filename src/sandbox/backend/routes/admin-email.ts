import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { requireRole } from '../users.ts';
import { parse } from '../validation.ts';

const outboxQuery = z.object({
  status: z.string().optional(),
  page: z.coerce.number().int().min(1).default(1),
  page_size: z.coerce.number().int().min(1).max(100).default(50),
});

export function adminEmailRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/outbox', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const { status = null, page, page_size: pageSize } = parse(outboxQuery, request.query);
    const [count] = await request.database.query<{ total: number }>(
      'SELECT count(*)::int AS total FROM email_outbox WHERE $1::text IS NULL OR status = $1',
      [status],
    );
    const items = await request.database.query(
      `SELECT id, to_email, subject, status, attempts, last_error, created_at
         FROM email_outbox WHERE $1::text IS NULL OR status = $1
        ORDER BY created_at DESC, id LIMIT $2 OFFSET $3`,
      [status, pageSize, (page - 1) * pageSize],
    );
    return { items, page, page_size: pageSize, total: count?.total ?? 0 };
  });
}
