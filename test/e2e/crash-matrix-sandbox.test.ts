import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEnvironment } from '../../src/index.ts';
import {
  buildFaultRun,
  crashMatrix,
  type Lane,
  possibleFaults,
  removeFaultRun,
} from '../support/crash-matrix.ts';
import { Examctl } from '../support/examctl.ts';

const sandboxes = [new Examctl(), new Examctl()];
let lanes: Lane[];

beforeAll(async () => {
  await buildFaultRun();
  lanes = await Promise.all(
    sandboxes.map(async (sandbox) => {
      const { exitCode, stderr } = await sandbox.run('sandbox', 'up');
      expect(exitCode, stderr).toBe(0);
      const environment = await openEnvironment('sandbox', { state: sandbox.state });
      return { state: sandbox.state, environment, env: {} };
    }),
  );
}, 180_000);
afterAll(async () => {
  removeFaultRun();
  await Promise.all(sandboxes.map((sandbox) => sandbox.remove()));
});

it('leaves the sandbox as it was, whichever fault is cut short at whichever line', {
  timeout: 1_800_000,
}, async () => {
  const [lane] = lanes;
  if (lane === undefined) throw new Error('no sandbox');
  const possible = await possibleFaults(lane, 'sandbox', { 'connection-exhaustion': ['share=0.3'] });
  expect(possible.length).toBeGreaterThan(12);

  const { cases, whole, broken } = await crashMatrix(possible, lanes);

  process.stdout.write(`crash matrix, sandbox: ${cases} cases, ${whole} whole\n`);
  expect(broken).toEqual([]);
});
