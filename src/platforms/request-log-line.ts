/** One line of the backend's log, of either revision, as far as it tells about requests. */
export type LogRecord =
  | {
      readonly kind: 'start';
      readonly requestId: string | null;
      readonly method: string;
      readonly path: string;
    }
  | {
      readonly kind: 'end';
      readonly requestId: string | null;
      readonly method: string;
      /** as requested, with ids */
      readonly path: string;
      /** the route's template without the prefix, where it is logged */
      readonly route: string | null;
      /** null: an unhandled error, which no status was ever logged for */
      readonly status: number | null;
      /** false: the line has no member for it at all, which is another thing than null */
      readonly hasStatus: boolean;
      readonly ms: number | null;
      readonly userId: string | null;
      /** R1 has no member for the user */
      readonly logsUser: boolean;
      readonly at: Date | null;
    }
  | { readonly kind: 'slow-sql'; readonly ms: number | null }
  | { readonly kind: 'traceback' };

/**
 * Reads one line: R2 (`request.end`, duration_ms), R1 (`request`, total_ms), slow SQL of both; undefined for everything
 * else, as uvicorn's own lines and tracebacks stand in between.
 */
export function parseLogLine(text: string): LogRecord | undefined {
  const start = text.indexOf('{');
  if (start === -1)
    return text.startsWith('Traceback (most recent call last)') ? { kind: 'traceback' } : undefined;
  // Most lines of a busy log are of no interest; parsing them costs ten times as much as this.
  if (!text.includes('"request') && !text.includes('slow_sql')) return undefined;
  const line = parseObject(text.slice(start));
  if (line === undefined) return undefined;
  switch (line.event) {
    case 'request.start':
      return { kind: 'start', requestId: textOf(line.request_id), ...placeOf(line) };
    case 'request.end':
    case 'request':
      return {
        kind: 'end',
        requestId: textOf(line.request_id),
        ...placeOf(line),
        route: textOf(line.route),
        status: numberOf(line.status_code),
        hasStatus: 'status_code' in line,
        ms: numberOf(line.duration_ms) ?? numberOf(line.total_ms),
        userId: textOf(line.user_id),
        logsUser: line.event === 'request.end',
        at: timeOf(line.timestamp),
      };
    case 'slow_sql': {
      // R2 nests the payload, R1 does not.
      const extra = typeof line.extra === 'object' && line.extra !== null ? line.extra : {};
      return { kind: 'slow-sql', ms: numberOf(({ ...line, ...extra } as { query_ms?: unknown }).query_ms) };
    }
    default:
      return undefined;
  }
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Half a line of a process that was killed, or plain text with a brace in it: not a record.
    return undefined;
  }
}

function placeOf(line: Record<string, unknown>): { method: string; path: string } {
  return { method: textOf(line.method) ?? '?', path: textOf(line.path) ?? '?' };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function timeOf(value: unknown): Date | null {
  if (typeof value !== 'string') return null;
  // Python's isoformat() leaves the zone out of naive times; the platform's are UTC.
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`;
  const time = new Date(zoned);
  return Number.isNaN(time.getTime()) ? null : time;
}
