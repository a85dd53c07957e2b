import { expect, test } from 'vitest';
import { found, type LimitStep } from '../../src/load/find-limit.ts';

const processor = (share: number) => {
  const text = `processor of backend-1, ${Math.round(share * 100)} % of a core`;
  return { resource: 'processor of backend-1', share, text };
};

function step(
  students: number,
  outcome: LimitStep['outcome'],
  because: string | null,
  share: number,
): LimitStep {
  const measured = { requests: 100, errorRate: 0, p95: 20, folder: 'students' };
  return { students, outcome, because, ...measured, resources: [processor(share)] };
}

const carried = step(40, 'pass', null, 0.5);

test('what crossed a threshold, and what was busy then', () => {
  const crossed = step(80, 'fail', 'p95 900 ms', 0.97);
  const { outcome, bottleneck } = found([carried, crossed], 40, 80);
  expect(outcome).toMatchObject({
    outcome: 'pass',
    message: '40 students; with 80: p95 900 ms; first bottleneck: processor of backend-1, 97 % of a core',
  });
  expect(bottleneck).toEqual(processor(0.97));
});

test('what is used a little is no bottleneck', () => {
  const { outcome, bottleneck } = found([carried, step(80, 'fail', 'p95 900 ms', 0.2)], 40, 80);
  expect(outcome.message).toContain(
    'nothing that was looked at was busy, the most: processor of backend-1, 20 %',
  );
  expect(bottleneck).toBeNull();
});

test('a step that says nothing about the platform leaves the limit unknown', () => {
  const unclear = step(80, 'unknown', '79 of 80 students finished: 1 rate limited (429)', 0.5);
  expect(found([carried, unclear], 40, null).outcome).toMatchObject({
    outcome: 'unknown',
    message: 'at least 40 students; with 80: 79 of 80 students finished: 1 rate limited (429)',
  });
});

test('a first step that is too much fails', () => {
  expect(found([step(40, 'fail', 'p95 900 ms', 0.9)], 0, 40).outcome).toMatchObject({
    outcome: 'fail',
    message: expect.stringContaining('not even 40 students; with 40: p95 900 ms'),
  });
});

test('no more students to try with is no limit of the platform', () => {
  expect(found([carried], 40, null).outcome).toMatchObject({
    outcome: 'pass',
    message: '40 students, and there are no more to try with',
  });
});
