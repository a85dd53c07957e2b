import type { LogRecord } from '../platforms/request-log-line.ts';

export interface RouteFigures {
  readonly route: string;
  readonly requests: number;
  readonly errors: number;
  readonly slow: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export interface RequestFigures {
  readonly total: RouteFigures;
  /** most requests first */
  readonly routes: readonly RouteFigures[];
  readonly byStatus: Readonly<Record<string, number>>;
  /** of the errors, those that were never given a status */
  readonly unhandled: number;
  /** share of the requests, 0..1; null of none */
  readonly errorRate: number | null;
  /** logged as started and never as ended: under way, or lost with their process */
  readonly unfinished: number;
  readonly slowSql: number;
  readonly tracebacks: number;
  readonly firstAt: Date | null;
  readonly lastAt: Date | null;
}

export interface RequestAggregator {
  add(record: LogRecord | undefined): void;
  figures(): RequestFigures;
}

export const slowMs = 500;

/** Series that a log may open: paths with ids in them that the template does not cover. */
const mostRoutes = 200;

interface Tally {
  requests: number;
  errors: number;
  slow: number;
  readonly histogram: {
    recordValue(value: number): void;
    getValueAtPercentile(p: number): number;
    maxValue: number;
    totalCount: number;
  };
}

/** Microseconds, as the histogram counts in whole numbers; 3 digits of a percentile are exact. */
const perMs = 1_000;

/** Adds up a log of any length in bounded memory. Percentiles come from one histogram each and are never averaged. */
export async function createRequestAggregator(): Promise<RequestAggregator> {
  const { build } = await import('hdr-histogram-js');
  const newTally = (): Tally => ({
    requests: 0,
    errors: 0,
    slow: 0,
    histogram: build({ numberOfSignificantValueDigits: 3 }),
  });
  const total = newTally();
  const routes = new Map<string, Tally>();
  const byStatus: Record<string, number> = {};
  const open = new Set<string>();
  let unhandled = 0;
  let slowSql = 0;
  let tracebacks = 0;
  let firstAt: Date | null = null;
  let lastAt: Date | null = null;

  const tallyOf = (route: string): Tally => {
    const name = routes.has(route) || routes.size < mostRoutes ? route : 'other';
    const tally = routes.get(name) ?? newTally();
    routes.set(name, tally);
    return tally;
  };

  const addEnd = (record: Extract<LogRecord, { kind: 'end' }>) => {
    const { requestId, status, ms, at } = record;
    if (requestId !== null) open.delete(requestId);
    const failed = status === null || status >= 500;
    for (const tally of [total, tallyOf(routeOf(record))]) {
      tally.requests += 1;
      if (failed) tally.errors += 1;
      if (ms !== null && ms > slowMs) tally.slow += 1;
      if (ms !== null) tally.histogram.recordValue(Math.max(0, Math.round(ms * perMs)));
    }
    const key = status === null ? 'unhandled' : String(status);
    byStatus[key] = (byStatus[key] ?? 0) + 1;
    if (status === null) unhandled += 1;
    if (at !== null && (firstAt === null || at < firstAt)) firstAt = at;
    if (at !== null && (lastAt === null || at > lastAt)) lastAt = at;
  };

  return {
    add(record) {
      if (record === undefined) return;
      if (record.kind === 'slow-sql') slowSql += 1;
      else if (record.kind === 'traceback') tracebacks += 1;
      else if (isSampled(record.path)) return;
      else if (record.kind === 'end') addEnd(record);
      else if (record.requestId !== null) open.add(record.requestId);
    },
    figures: () => ({
      total: figuresOf('all', total),
      routes: [...routes]
        .map(([route, tally]) => figuresOf(route, tally))
        .sort((a, b) => b.requests - a.requests || a.route.localeCompare(b.route)),
      byStatus,
      unhandled,
      errorRate: total.requests === 0 ? null : total.errors / total.requests,
      unfinished: open.size,
      slowSql,
      tracebacks,
      firstAt,
      lastAt,
    }),
  };
}

function figuresOf(route: string, { requests, errors, slow, histogram }: Tally): RouteFigures {
  const timed = histogram.totalCount > 0;
  const percentile = (p: number) => (timed ? histogram.getValueAtPercentile(p) / perMs : null);
  return {
    route,
    requests,
    errors,
    slow,
    p50Ms: percentile(50),
    p95Ms: percentile(95),
    p99Ms: percentile(99),
    maxMs: timed ? histogram.maxValue / perMs : null,
  };
}

/** Probes of the edge and of monitoring: logged at 10 %, and so fast that they would flatter every percentile. */
function isSampled(path: string): boolean {
  return path === '/' || /\/(health|metrics)$/.test(path);
}

const id = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=\/)\d+(?=\/|$)/gi;

/** The path with its ids taken out: the logged template alone is the same for sessions and other resources. */
export function routeOf({ method, path }: { readonly method: string; readonly path: string }): string {
  const [withoutQuery = path] = path.split('?');
  return `${method} ${withoutQuery.replace(id, '{id}')}`;
}
