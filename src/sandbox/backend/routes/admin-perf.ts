import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { requireRole } from '../users.ts';
import { parse } from '../validation.ts';

const windows = { '15m': '15 minutes', '1h': '1 hour', '24h': '24 hours', '7d': '7 days' } as const;
const summaryQuery = z.object({ window: z.enum(['15m', '1h', '24h', '7d']).default('24h') });
const slowQuery = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) });
const slowSqlQuery = z.object({ ms: z.coerce.number().int().min(1).max(2_000).default(250) });

interface Summary {
  readonly requests: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
  readonly slow_count: number;
  readonly db_ms: number;
  readonly db_queries: number;
}

export function adminPerfRoutes(app: FastifyInstance, backend: Backend): void {
  app.get('/summary', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const { window } = parse(summaryQuery, request.query);
    const [summary] = await request.database.query<Summary>(
      `SELECT count(*)::int AS requests, count(*) FILTER (WHERE total_ms > 500)::int AS slow_count,
              coalesce(percentile_cont(0.50) WITHIN GROUP (ORDER BY total_ms), 0) AS p50_ms,
              coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms), 0) AS p95_ms,
              coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY total_ms), 0) AS p99_ms,
              coalesce(avg(db_total_ms), 0)::float8 AS db_ms, coalesce(avg(db_query_count), 0)::float8 AS db_queries
         FROM perf_request_log WHERE request_at > now() - $1::interval`,
      [windows[window]],
    );
    const topRoutes = await request.database.query(
      `SELECT path, count(*)::int AS count, percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms) AS p95_ms
         FROM perf_request_log WHERE request_at > now() - $1::interval
        GROUP BY path ORDER BY p95_ms DESC, path LIMIT 10`,
      [windows[window]],
    );
    const { db_ms: avg_total_ms = 0, db_queries: avg_query_count = 0, ...requests } = summary ?? {};
    return { window, ...requests, top_routes: topRoutes, db: { avg_total_ms, avg_query_count } };
  });

  app.get('/slow', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const { limit } = parse(slowQuery, request.query);
    const items = await request.database.query(
      `SELECT request_at, method, path, status_code, total_ms, db_total_ms, db_query_count, user_role, request_id
         FROM perf_request_log WHERE total_ms > 500 ORDER BY request_at DESC LIMIT $1`,
      [limit],
    );
    return { items };
  });

  app.post('/debug/slow-sql', async (request) => {
    await requireRole(backend, request, 'ADMIN');
    const { ms } = parse(slowSqlQuery, request.query);
    await request.database.query('SELECT pg_sleep($1)', [ms / 1_000]);
    return { slept_ms: ms };
  });
}
