import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RehearsalResult } from '../../src/rehearsal/rehearse.ts';
import { composePrograms, startEngine, type TestEngine, whyNoEngine } from '../support/docker-engine.ts';
import { type ExamStack, startExamStack } from '../support/exam-stack.ts';
import { Examctl } from '../support/examctl.ts';
import { isFull, onlyInFull } from '../support/sample.ts';

const gatesOf = ({ gates }: RehearsalResult) =>
  Object.fromEntries(gates.map(({ id, outcome, message }) => [id, outcome === 'pass' ? outcome : message]));

const sound = Object.fromEntries(
  [
    'zero-data-loss',
    'no-corrupted-sessions',
    'p95-latency',
    'recovery',
    'audit-trail',
    'exam-mode',
    'graceful-failure',
    'error-rate',
    'db-pool',
  ].map((gate) => [gate, 'pass']),
);

describe.each(composePrograms)('an exam platform that $name runs', ({ command, missing, install }) => {
  const why = isFull ? (whyNoEngine() ?? missing) : onlyInFull;
  if (why !== null) {
    return it('is rehearsed', ({ skip }) => skip(why));
  }

  let engine: TestEngine;
  let stack: ExamStack;
  let examctl: Examctl;
  beforeAll(async () => {
    examctl = new Examctl();
    engine = await startEngine();
    install(engine);
    stack = await startExamStack(engine, { project: 'exam', command });
  }, 120_000);
  afterAll(async () => {
    await examctl?.remove();
    await engine?.stop();
  }, 120_000);

  const run = (...args: string[]) =>
    examctl.start(['-e', 'staging', '--config', stack.configFile, ...args], stack.env).ended;

  it('is found under the names of its compose file', async () => {
    const { exitCode, stdout, stderr } = await run('services', 'status', '-o', 'json');

    expect(exitCode, stderr).toBe(0);
    for (const instance of ['backend-1', 'cache-1', 'database-1', 'edge-1', 'worker-1'])
      expect(stdout).toContain(`"${instance}"`);
    expect(stdout).not.toMatch(/stopped|unhealthy|starting/);
  });

  it('is GO in a rehearsal with its faults, and is as before', { timeout: 300_000 }, async () => {
    const before = readFileSync(stack.envFile, 'utf8');

    const { exitCode, stdout, stderr } = await run('rehearse', '-o', 'json');

    const result = JSON.parse(stdout) as RehearsalResult;
    expect(gatesOf(result), stderr).toEqual(sound);
    expect(result).toMatchObject({ verdict: 'GO', reasons: [] });
    expect(exitCode).toBe(0);
    expect(readFileSync(stack.envFile, 'utf8')).toBe(before);
    await stack.untilHealthy(10);
    expect((await examctl.run('recover')).stdout).toContain('nothing to recover');
  });

  // what the platform does wrong does not depend on who started it
  if (command === composePrograms[0]?.command)
    it('is NO-GO when it stops serving students while Redis is away', { timeout: 300_000 }, async () => {
      stack.breakWith('rate-limit-fails-closed');

      const { exitCode, stdout, stderr } = await run('rehearse', '--phases', '2,3', '-o', 'json');

      expect(JSON.parse(stdout), stderr).toMatchObject({ verdict: 'NO-GO' });
      expect(exitCode).toBe(1);
      stack.breakWith();
      await stack.untilHealthy(10);
    });
});
