import { expect, test } from 'vitest';
import type { ContainerInstance } from '../../src/drivers/compose/instances.ts';
import { jobsOfWorker } from '../../src/drivers/compose/jobs.ts';

const keys = ['revision_queue_regen', 'warehouse_incremental_export'];
const worker = (state: ContainerInstance['state']) => [{ service: 'worker', state } as ContainerInstance];

test('a worker that runs starts all jobs, and nobody sees from outside which of them is at work', () => {
  expect(jobsOfWorker(worker('running'), { keys, project: 'exam' })).toEqual(
    keys.map((key) => ({ key, enabled: true, running: null, switchable: false })),
  );
});

test('a worker that is stopped starts none, and none runs', () => {
  expect(jobsOfWorker(worker('stopped'), { keys, project: 'exam' })).toEqual(
    keys.map((key) => ({ key, enabled: false, running: false, switchable: false })),
  );
});

test('without a worker nothing is said about jobs that a crontab of the host may start', () => {
  expect(() => jobsOfWorker([], { keys, project: 'exam' })).toThrow(
    'the background jobs of exam cannot be seen: compose does not run them',
  );
});
