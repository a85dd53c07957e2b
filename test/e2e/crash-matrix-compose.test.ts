import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComposeLane, removeLanes, startLanes } from '../support/compose-lanes.ts';
import { buildFaultRun, crashMatrix, possibleFaults, removeFaultRun } from '../support/crash-matrix.ts';
import { composePrograms, startEngine, type TestEngine, whyNoEngine } from '../support/docker-engine.ts';

const [program] = composePrograms.filter(({ missing }) => missing === null);
const why = whyNoEngine() ?? (program === undefined ? 'there is no docker compose' : null);

describe('a fault on an environment that compose runs', () => {
  if (why !== null || program === undefined) {
    process.stderr.write(`skipped: the crash matrix on compose: ${why}\n`);
    return it('comes back', ({ skip }) => skip(why ?? ''));
  }

  let engine: TestEngine;
  let lanes: ComposeLane[];
  beforeAll(async () => {
    await buildFaultRun();
    engine = await startEngine();
    program.install(engine);
    lanes = await startLanes(engine, program.command, 3);
  }, 180_000);
  afterAll(async () => {
    removeFaultRun();
    removeLanes(lanes);
    await engine?.stop();
  }, 60_000);

  it('leaves it as it was, whichever fault is cut short at whichever line', {
    timeout: 1_800_000,
  }, async () => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no stack');
    const faults = await possibleFaults(lane, 'compose', {
      'memory-stress': ['service=cache'],
      'connection-exhaustion': ['share=0.3'],
    });
    expect(faults.length).toBeGreaterThan(12);

    const { cases, whole, broken } = await crashMatrix(faults, lanes);

    process.stdout.write(`crash matrix, compose: ${cases} cases, ${whole} whole\n`);
    expect(broken).toEqual([]);
  });
});
