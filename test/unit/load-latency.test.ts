import { expect, test } from 'vitest';
import { latencyRecorders, percentileOf } from '../../src/load/latency.ts';
import type { Phase, Sample } from '../../src/load/sample.ts';
import { Tally } from '../../src/load/tally.ts';

function sample(
  at: number,
  ms: number,
  status = 200,
  phase: Phase = 'measured',
  endpoint = 'answer',
): Sample {
  return { at, ms, lag: 0, status, phase, endpoint };
}

test('percentiles are right to three digits', async () => {
  const recorder = (await latencyRecorders())();
  for (let ms = 1; ms <= 1000; ms += 1) recorder.record(ms);
  const summary = recorder.summary();
  expect(summary?.mean).toBeCloseTo(500.5, 1);
  expect(summary?.p50).toBeCloseTo(500, -0.5);
  expect(summary?.p95).toBeGreaterThanOrEqual(949);
  expect(summary?.p95).toBeLessThanOrEqual(951);
  expect(summary?.p99).toBeLessThanOrEqual(991);
  expect(summary?.max).toBe(1000);
});

test('of no value there is no percentile', async () => {
  expect((await latencyRecorders())().summary()).toBeNull();
  expect(percentileOf([], 95)).toBeNull();
});

test.each([
  [[5], 5],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10],
  [Array.from({ length: 100 }, (_, index) => 100 - index), 95],
])('the 95th percentile of %j is %d', (values, expected) => {
  expect(percentileOf(values, 95)).toBe(expected);
});

test('only the measured window counts, and only accepted requests have a latency', async () => {
  const tally = await Tally.create();
  tally.add(sample(0, 9000, 200, 'setup', 'create-session'));
  tally.add(sample(1000, 10));
  tally.add(sample(1000, 1, 500));
  tally.add(sample(1000, 0, 0));
  tally.add(sample(1000, 9000, 200, 'teardown', 'submit'));
  expect(tally.measured).toMatchObject({ requests: 3, failed: 2, byStatus: { 0: 1, 200: 1, 500: 1 } });
  expect(tally.notMeasured).toMatchObject({ requests: 2, failed: 0 });
  expect(tally.latency()).toMatchObject({ max: 10, mean: 10 });
  expect(tally.perEndpoint()).toMatchObject({ answer: { requests: 3, failed: 2, latency: { max: 10 } } });
  expect(tally.writes).toBe(4);
});

test('the timeline has every second, also those in which nothing was sent', async () => {
  const tally = await Tally.create();
  const start = Date.parse('2026-01-01T10:00:00Z');
  tally.add(sample(start + 3200, 30, 503));
  tally.add(sample(start + 100, 10));
  tally.add(sample(start + 900, 20));
  expect(tally.timeline.seconds()).toEqual([
    { t: '2026-01-01T10:00:00.000Z', requests: 2, failed: 0, p95: 20 },
    { t: '2026-01-01T10:00:01.000Z', requests: 0, failed: 0, p95: null },
    { t: '2026-01-01T10:00:02.000Z', requests: 0, failed: 0, p95: null },
    { t: '2026-01-01T10:00:03.000Z', requests: 1, failed: 1, p95: null },
  ]);
});
