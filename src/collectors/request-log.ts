import { redacted } from '../lifecycle/redact.ts';
import { type LogRecord, parseLogLine } from '../platforms/request-log-line.ts';
import type { Collector, Reading } from './collector.ts';
import { createRequestAggregator, type RequestFigures, slowMs } from './request-log-parser.ts';

export const requestLog: Collector = {
  id: 'request-log',
  title: 'requests',
  unit: 'requests, ms',
  help:
    'Errors are answers of 500 and above and requests without a status, which the platform logs for unhandled ' +
    'errors. Health checks are logged at 10 % only and not counted. Without requests there is no percentile.',
  async collect({ environment, since, signal, evidence }) {
    const aggregator = await createRequestAggregator();
    const file = evidence('requests.ndjson');
    let lines = 0;
    for await (const { instance, text } of environment.driver.logs('backend', { since, signal })) {
      signal.throwIfAborted();
      lines += 1;
      const record = parseLogLine(text);
      aggregator.add(record);
      if (record?.kind === 'end') await file.write(JSON.stringify(withoutPerson(instance, record)));
    }
    return readingOf(aggregator.figures(), { lines, seconds: (Date.now() - since.getTime()) / 1_000 });
  },
};

/** What may leave the platform: everything of the line but who made the request. */
function withoutPerson(instance: string, record: Extract<LogRecord, { kind: 'end' }>) {
  const { at, method, path, status, ms, requestId } = record;
  return { at, instance, method, path: redacted(path), status, ms, request_id: requestId };
}

function readingOf(figures: RequestFigures, { lines, seconds }: { lines: number; seconds: number }): Reading {
  const { total, routes, byStatus } = figures;
  const ms = (name: 'p50' | 'p95' | 'p99' | 'max', value: number | null) => ({
    name: `${name}_ms`,
    title: name,
    value,
    unit: 'ms',
  });
  return {
    figures: [
      { name: 'log_lines', title: 'log lines read', value: lines, unit: 'lines' },
      { name: 'requests', title: 'requests', value: total.requests, unit: 'requests' },
      {
        name: 'rate',
        title: 'rate over the whole time',
        value: seconds > 0 ? total.requests / seconds : null,
        unit: 'per second',
      },
      ms('p50', total.p50Ms),
      ms('p95', total.p95Ms),
      ms('p99', total.p99Ms),
      ms('max', total.maxMs),
      { name: 'errors', title: 'errors', value: total.errors, unit: 'requests' },
      { name: 'error_rate', title: 'error rate', value: figures.errorRate, unit: 'share' },
      { name: 'unhandled', title: 'of them unhandled', value: figures.unhandled, unit: 'requests' },
      { name: 'slow', title: `slower than ${slowMs} ms`, value: total.slow, unit: 'requests' },
      { name: 'unfinished', title: 'never ended', value: figures.unfinished, unit: 'requests' },
      { name: 'slow_sql', title: 'slow statements', value: figures.slowSql, unit: 'statements' },
      { name: 'tracebacks', title: 'tracebacks', value: figures.tracebacks, unit: 'tracebacks' },
      {
        name: 'first_at',
        title: 'first request',
        value: figures.firstAt?.toISOString() ?? null,
        unit: 'time',
      },
      { name: 'last_at', title: 'last request', value: figures.lastAt?.toISOString() ?? null, unit: 'time' },
    ],
    tables: [
      {
        name: 'by_route',
        title: 'by route',
        columns: ['route', 'requests', 'errors', 'slow', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms'],
        rows: routes.map((route) => [
          route.route,
          route.requests,
          route.errors,
          route.slow,
          route.p50Ms,
          route.p95Ms,
          route.p99Ms,
          route.maxMs,
        ]),
      },
      {
        name: 'by_status',
        title: 'by status',
        columns: ['status', 'requests'],
        rows: Object.entries(byStatus).sort(([a], [b]) => a.localeCompare(b)),
      },
    ],
  };
}
