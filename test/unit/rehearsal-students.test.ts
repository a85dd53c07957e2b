import { expect, test } from 'vitest';
import type { Identity } from '../../src/lifecycle/environment.ts';
import { scenarios } from '../../src/load/scenarios/index.ts';
import { shareStudents } from '../../src/rehearsal/phases/students.ts';

const identities = (count: number): Identity[] =>
  Array.from({ length: count }, (_, index) => ({
    userId: `student-${index}`,
    email: `student-${index}@load.example.com`,
    token: 'none',
  }));

/** who acts in the scenarios of a smoke rehearsal */
function acting(all: readonly Identity[], turn: number): string[] {
  const shared = shareStudents(all, 'smoke', turn);
  return scenarios.flatMap(({ id, profiles }) =>
    (shared.get(id) ?? []).slice(0, profiles.smoke.students).map(({ userId }) => userId),
  );
}

test.each([0, 0.5, 0.999])('each student acts in one scenario only, beginning with share %s', (turn) => {
  const names = acting(identities(600), turn);
  expect(new Set(names).size).toBe(names.length);
});

test.each([0, 0.999])(
  'nobody acts as a student of the canary, whose rate limit would be used up, beginning with share %s',
  (turn) => {
    const walkers = identities(10).map(({ userId }) => userId);
    expect(acting(identities(600), turn).filter((name) => walkers.includes(name))).toEqual([]);
  },
);

test('with too few students for that, all of them act', () => {
  const few = identities(12);
  expect(new Set(acting(few, 0)).size).toBe(12);
});
