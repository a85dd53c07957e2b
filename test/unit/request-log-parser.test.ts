import { describe, expect, test } from 'vitest';
import { createRequestAggregator, routeOf } from '../../src/collectors/request-log-parser.ts';
import { parseLogLine } from '../../src/platforms/request-log-line.ts';

const session = '3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f';

/** As Python's json.dumps writes it: a space behind each colon and comma. */
function pythonLine(members: Record<string, unknown>): string {
  return JSON.stringify(members, null, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll(/^{ | }$/g, (brace) => brace.trim());
}

function r2(members: Record<string, unknown>): string {
  return pythonLine({
    event: 'request.end',
    request_id: 'r-1',
    method: 'POST',
    path: `/v1/sessions/${session}/answer`,
    route: '/{session_id}/answer',
    status_code: 200,
    duration_ms: 12.5,
    db_query_count: 4,
    user_id: 'u-1',
    level: 'info',
    timestamp: '2026-02-14T10:00:00.000Z',
    ...members,
  });
}

async function figuresOf(lines: readonly string[]) {
  const aggregator = await createRequestAggregator();
  for (const line of lines) aggregator.add(parseLogLine(line));
  return aggregator.figures();
}

describe('one line', () => {
  test('of R2 is read although the platform puts a space behind each colon', () => {
    const line = r2({});
    expect(line).toContain('"request_id": "r-1"');
    expect(parseLogLine(line)).toEqual({
      kind: 'end',
      requestId: 'r-1',
      method: 'POST',
      path: `/v1/sessions/${session}/answer`,
      route: '/{session_id}/answer',
      status: 200,
      hasStatus: true,
      ms: 12.5,
      userId: 'u-1',
      logsUser: true,
      at: new Date('2026-02-14T10:00:00Z'),
    });
  });

  test('of R1 has its duration in total_ms and its time without a zone', () => {
    const line = pythonLine({
      timestamp: '2026-01-26T09:30:00.123',
      level: 'INFO',
      event: 'request',
      request_id: 'r-2',
      method: 'GET',
      path: '/v1/auth/me',
      status_code: 401,
      total_ms: 3,
    });
    expect(parseLogLine(line)).toMatchObject({
      kind: 'end',
      status: 401,
      ms: 3,
      route: null,
      logsUser: false,
      at: new Date('2026-01-26T09:30:00.123Z'),
    });
  });

  test('tells a status of null, which is an unhandled error, from no status at all', () => {
    expect(parseLogLine(r2({ status_code: null }))).toMatchObject({ status: null, hasStatus: true });
    expect(parseLogLine(r2({ status_code: undefined }))).toMatchObject({ status: null, hasStatus: false });
  });

  test('of slow SQL is read nested as in R2 and flat as in R1', () => {
    const nested = { event: 'slow_sql', level: 'warning', extra: { event: 'slow_sql', query_ms: 140.2 } };
    expect(parseLogLine(pythonLine(nested))).toEqual({ kind: 'slow-sql', ms: 140.2 });
    expect(parseLogLine(pythonLine({ event: 'slow_sql', query_ms: 300 }))).toEqual({
      kind: 'slow-sql',
      ms: 300,
    });
  });

  test('that is plain text, half a record or another event is none', () => {
    expect(parseLogLine('INFO:     127.0.0.1:5000 - "POST /v1/sessions HTTP/1.1" 200 OK')).toBeUndefined();
    expect(parseLogLine(r2({}).slice(0, 80))).toBeUndefined();
    expect(
      parseLogLine(pythonLine({ event: 'auth_login_success', request_id: 'r', audit: true })),
    ).toBeUndefined();
    expect(parseLogLine('  "request" in {braces}')).toBeUndefined();
    expect(parseLogLine('Traceback (most recent call last):')).toEqual({ kind: 'traceback' });
  });
});

describe('a log', () => {
  test('is added up with percentiles of all requests, not averages of routes', async () => {
    const fast = Array.from({ length: 90 }, () => r2({ duration_ms: 10 }));
    const slow = Array.from({ length: 10 }, () => r2({ path: '/v1/sessions', duration_ms: 1_000 }));
    const { total, routes, errorRate } = await figuresOf([...fast, ...slow]);
    expect(total.requests).toBe(100);
    expect(total.p50Ms).toBeCloseTo(10, 1);
    expect(total.p95Ms).toBeGreaterThanOrEqual(999);
    expect(total.p95Ms).toBeLessThanOrEqual(1_001);
    expect(total.slow).toBe(10);
    expect(errorRate).toBe(0);
    expect(routes.map(({ route, requests }) => [route, requests])).toEqual([
      ['POST /v1/sessions/{id}/answer', 90],
      ['POST /v1/sessions', 10],
    ]);
  });

  test('counts 5xx and null as errors, 4xx not', async () => {
    const { total, byStatus, unhandled, errorRate } = await figuresOf([
      r2({}),
      r2({ status_code: 503 }),
      r2({ status_code: null }),
      r2({ status_code: 429 }),
    ]);
    expect(total.errors).toBe(2);
    expect(unhandled).toBe(1);
    expect(errorRate).toBe(0.5);
    expect(byStatus).toEqual({ '200': 1, '429': 1, '503': 1, unhandled: 1 });
  });

  test('without requests has no percentile and no error rate', async () => {
    const { total, errorRate, firstAt } = await figuresOf(['INFO: started', '']);
    expect(total).toMatchObject({ requests: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null });
    expect(errorRate).toBeNull();
    expect(firstAt).toBeNull();
  });

  test('leaves out health checks, of which only one in ten is logged', async () => {
    const { total } = await figuresOf([
      r2({ path: '/health' }),
      r2({ path: '/v1/health' }),
      r2({ path: '/metrics' }),
    ]);
    expect(total.requests).toBe(0);
  });

  test('names requests that were started and never ended', async () => {
    const start = (id: string) =>
      pythonLine({
        event: 'request.start',
        request_id: id,
        method: 'POST',
        path: '/v1/sessions',
        route: null,
      });
    const { unfinished } = await figuresOf([start('a'), start('b'), r2({ request_id: 'a' })]);
    expect(unfinished).toBe(1);
  });

  test('keeps its times, slow statements and tracebacks', async () => {
    const { firstAt, lastAt, slowSql, tracebacks } = await figuresOf([
      r2({ timestamp: '2026-02-14T10:00:05Z' }),
      pythonLine({ event: 'slow_sql', query_ms: 200 }),
      'Traceback (most recent call last):',
      r2({ timestamp: '2026-02-14T10:00:01Z' }),
    ]);
    expect([firstAt, lastAt]).toEqual([new Date('2026-02-14T10:00:01Z'), new Date('2026-02-14T10:00:05Z')]);
    expect([slowSql, tracebacks]).toEqual([1, 1]);
  });

  test('with a new path in every line does not grow without bound', async () => {
    const lines = Array.from({ length: 500 }, (_, index) => r2({ path: `/v1/unknown-${index}` }));
    const { routes, total } = await figuresOf(lines);
    expect(routes.length).toBe(201);
    expect(routes[0]).toMatchObject({ route: 'other', requests: 300 });
    expect(total.requests).toBe(500);
  });
});

test('a route has neither ids nor a query', () => {
  expect(routeOf({ method: 'GET', path: `/v1/sessions/${session}/question?index=3` })).toBe(
    'GET /v1/sessions/{id}/question',
  );
  expect(routeOf({ method: 'GET', path: '/v1/analytics/block/12' })).toBe('GET /v1/analytics/block/{id}');
});
