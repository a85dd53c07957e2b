import { expect, it } from 'vitest';
import { type Beat, windowOf } from '../../../src/faults/pulse.ts';

const beat = (more: Partial<Beat> = {}): Beat => ({
  at: 0,
  ms: 10,
  failed: false,
  status: 200,
  retries: 0,
  lost: false,
  ...more,
});

it('counts what failed at first, what was tried again and what was lost all the same', () => {
  const beats = [
    beat(),
    beat({ failed: true, status: 500, retries: 1 }),
    beat({ failed: true, status: null, retries: 2, lost: true }),
    beat({ ms: 90 }),
  ];
  expect(windowOf(beats)).toEqual({ requests: 4, failed: 2, errorRate: 0.5, p95Ms: 90, retries: 3, lost: 1 });
});

it('takes the 19th of 20 for the 95th percentile, in whatever order they came', () => {
  const beats = [20, 3, ...Array.from({ length: 18 }, (_, index) => index + 1)].map((ms) => beat({ ms }));
  expect(windowOf(beats).p95Ms).toBe(18);
  expect(windowOf([...beats, ...beats].reverse()).p95Ms).toBe(18);
});

it('knows no share and no time of no requests', () => {
  expect(windowOf([])).toMatchObject({ requests: 0, errorRate: null, p95Ms: null });
});
