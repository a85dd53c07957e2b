import type { SandboxConfig } from '../config.ts';
import type { FinishedQuery } from './database.ts';
import { type LogFields, log } from './log.ts';

export interface FinishedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** template without the prefix of its router: "/{session_id}" */
  readonly route: string | null;
  /** null: unhandled error */
  readonly status: number | null;
  readonly ms: number;
  readonly queries: number;
  readonly queryMs: number;
  readonly user: { readonly id: string; readonly role: string } | undefined;
}

const sampleRate = 0.1;

export function isHealthPath(path: string, basePath: string): boolean {
  return path === '/health' || path === '/metrics' || path === '/' || path === `${basePath}/health`;
}

export function logRequestStart(
  revision: SandboxConfig['revision'],
  request: Pick<FinishedRequest, 'requestId' | 'method' | 'path'>,
) {
  if (revision === 'R1') return;
  const { requestId, method, path } = request;
  logEvent({ request_id: requestId, method, path, route: null }, 'request.start', 'info');
}

export interface RequestEndOptions {
  readonly revision: SandboxConfig['revision'];
  readonly sampled: boolean;
  /** the defect missing-audit-trail */
  readonly withoutRequestId: boolean;
}

export function logRequestEnd(
  request: FinishedRequest,
  { revision, sampled, withoutRequestId }: RequestEndOptions,
): void {
  if (sampled && Math.random() >= sampleRate) return;
  const identified = withoutRequestId ? {} : { request_id: request.requestId };
  const { method, path, status } = request;
  const severity = severityOf(request.ms, 500, 1_500);
  const queries = { db_query_count: request.queries, db_total_ms: rounded(request.queryMs) };
  if (revision === 'R1') {
    log({
      timestamp: new Date().toISOString(),
      level: 'INFO',
      logger: 'app.middleware.performance',
      module: 'performance',
      function: 'dispatch',
      event: 'request',
      ...identified,
      method,
      path,
      status_code: status,
      total_ms: rounded(request.ms),
      ...queries,
      severity,
    });
    return;
  }
  const fields: LogFields = {
    ...identified,
    method,
    path,
    route: request.route,
    status_code: status,
    duration_ms: rounded(request.ms),
    ...queries,
    user_id: request.user?.id,
    user_role: request.user?.role,
    severity,
    ...(sampled ? { sampled: true, sample_rate: sampleRate } : {}),
  };
  logEvent(fields, 'request.end', 'info');
}

export function logSlowQuery(
  revision: SandboxConfig['revision'],
  requestId: string,
  { sql, ms, rowCount }: FinishedQuery,
): void {
  const severity = severityOf(ms, 100, 300);
  if (severity === undefined) return;
  const fields = {
    event: 'slow_sql',
    severity,
    request_id: requestId,
    query_ms: rounded(ms),
    rowcount: rowCount,
    sql: sql.replace(/\s+/g, ' ').trim().slice(0, 2_000),
    env: 'dev',
  };
  if (revision === 'R1') log({ timestamp: new Date().toISOString(), level: 'WARNING', ...fields });
  else logEvent({ extra: fields }, 'slow_sql', 'warning');
}

export interface AuditLine {
  readonly event: string;
  readonly action: string;
  readonly actorId: string | null;
  readonly outcome: 'allow' | 'deny';
  readonly reasonCode: string | null;
  readonly ip: string;
  readonly userAgent: string | null;
  readonly requestId: string;
}

/** Successful logins are warnings, too. */
export function logAudit(line: AuditLine): void {
  const { action, outcome } = line;
  log({
    audit: true,
    event: line.event,
    action,
    actor_id: line.actorId,
    outcome,
    reason_code: line.reasonCode,
    ip_address: line.ip,
    user_agent: line.userAgent,
    request_id: line.requestId,
    level: 'warning',
    timestamp: new Date().toISOString(),
  });
}

function logEvent(fields: LogFields, event: string, level: 'info' | 'warning'): void {
  log({ ...fields, event, level, timestamp: new Date().toISOString() });
}

function severityOf(ms: number, warnMs: number, errorMs: number): 'warn' | 'error' | undefined {
  if (ms > errorMs) return 'error';
  return ms > warnMs ? 'warn' : undefined;
}

export function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
