import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Backend } from './backend.ts';
import { ApiError, plainError } from './errors.ts';
import { type RateLimit, rateLimits } from './rate-limit.ts';

/** All POST, relative to the base path. */
export interface HeavyOperation {
  readonly path: string;
  readonly action: string;
  /** exam mode blocks it */
  readonly gated: boolean;
  /** its limiter authenticates, and comes before the gate */
  readonly limiter?: RateLimit;
}

const gated = true;

export const heavyOperations: readonly HeavyOperation[] = [
  { gated, path: '/learning/bkt/recompute', action: 'bkt_recompute' },
  { gated, path: '/admin/rank/runs', action: 'rank_run' },
  { gated, path: '/admin/irt/runs', action: 'irt_calibration' },
  { gated, path: '/admin/email/outbox/drain', action: 'email_outbox_drain', limiter: rateLimits.emailDrain },
  {
    gated,
    path: '/admin/notifications/broadcast',
    action: 'notification_broadcast',
    limiter: rateLimits.broadcast,
  },
  { gated, path: '/admin/import/questions', action: 'bulk_question_import' },
  { gated, path: '/admin/search/reindex/nightly', action: 'search_reindex' },
  { gated, path: '/admin/graph/sync/incremental', action: 'graph_incremental_sync' },
  { gated, path: '/admin/graph/sync/full', action: 'graph_full_sync' },
  { gated, path: '/admin/graph-revision/sync', action: 'graph_revision_sync' },
  { gated, path: '/admin/warehouse/export/run', action: 'warehouse_export' },
  { gated, path: '/admin/warehouse/export/incremental', action: 'warehouse_incremental_export' },
  { gated, path: '/admin/warehouse/export/backfill', action: 'warehouse_backfill' },
  { gated: false, path: '/admin/ranking/compute', action: 'ranking_compute' },
  { gated: false, path: '/admin/eval/runs', action: 'eval_run' },
  { gated: false, path: '/admin/search/outbox/process', action: 'search_outbox' },
  { gated: false, path: '/learning/mastery/recompute', action: 'mastery_recompute' },
  { gated: false, path: '/learning/mistakes/model/train', action: 'mistake_model_training' },
];

export async function refuseInExamMode(
  { flags, defects, config }: Backend,
  { gated, action }: HeavyOperation,
) {
  if (!gated) return;
  if (action === 'rank_run' && defects.isOn('exam-mode-gap')) return;
  if (!(await flags.isOn('EXAM_MODE'))) return;
  const message = 'Action blocked during exam mode';
  if (config.examModeStatus === 403) throw plainError(403, message, { action });
  throw new ApiError(423, 'EXAM_MODE_ACTIVE', message, { details: { action } });
}

/** What the operation would do is not here; that it was done is. */
export async function recordHeavyRun(request: FastifyRequest, { action }: HeavyOperation) {
  const id = randomUUID();
  await request.database.query(
    `INSERT INTO job_run (id, job_key, status, started_at, finished_at, stats_json)
     VALUES ($1, $2, 'SUCCEEDED', now(), now(), $3)`,
    [id, action, JSON.stringify({ trigger: 'api', request_id: request.requestId })],
  );
  return { run_id: id, status: 'SUCCEEDED', action };
}
