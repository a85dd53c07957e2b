import { messageOf } from '../../lifecycle/errors.ts';
import type { Queryable } from './database.ts';
import type { FinishedRequest } from './request-log.ts';

const slowMs = 500;
const sampleRate = 0.01;

/** perf_request_log: all slow requests, and an unbiased 1 % that is marked as sampled. Nobody waits for it. */
export function recordPerformance(database: Queryable, request: FinishedRequest): void {
  const sampled = Math.random() < sampleRate;
  if (!sampled && request.ms <= slowMs) return;
  const { method, path, status, ms, queries, queryMs, user, requestId } = request;
  database
    .query(
      `INSERT INTO perf_request_log
         (request_at, method, path, status_code, total_ms, db_total_ms, db_query_count, user_role, request_id, sampled)
       VALUES (now(), $1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        method,
        path.slice(0, 500),
        status ?? 0,
        Math.round(ms),
        Math.round(queryMs),
        queries,
        user?.role ?? null,
        requestId.slice(0, 200),
        sampled,
      ],
    )
    .catch((error) => process.stderr.write(`perf_request_log: ${messageOf(error)}\n`));
}
