import { expect, test } from 'vitest';
import { planExamModeOn } from '../../src/exam-mode/plan-exam-mode.ts';
import type { Environment, JobSchedule } from '../../src/lifecycle/environment.ts';
import { platforms } from '../../src/platforms/index.ts';

const [regen, exported] = ['revision_queue_regen', 'warehouse_incremental_export'];

function environmentWith(jobs: readonly JobSchedule[]): Environment {
  return {
    name: 'staging',
    platform: platforms['exam-platform'],
    examMode: [],
    driver: { jobs: async () => jobs },
    withPostgres: async () => ({ rows: [] }),
  } as unknown as Environment;
}

test('jobs that can be switched off are, and the plan says of the others that they stay on', async () => {
  const plan = await planExamModeOn(
    environmentWith([
      { key: regen, enabled: true, running: false },
      { key: exported, enabled: true, running: null, switchable: false },
    ]),
  );

  expect(plan.changes.map(({ target }) => target)).toEqual([`background jobs ${regen}`]);
  expect(plan.notes).toEqual([
    `background jobs ${exported} stay on: they must look at exam mode by themselves`,
  ]);
});

test('jobs that are off already are neither switched nor mentioned', async () => {
  const plan = await planExamModeOn(
    environmentWith([{ key: regen, enabled: false, running: false, switchable: false }]),
  );

  expect(plan.changes).toEqual([]);
  expect(plan.notes ?? []).toEqual([]);
});
