import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import type { Snapshot } from '../../src/lifecycle/environment.ts';
import { type ComposeLane, removeLanes, startLanes } from '../support/compose-lanes.ts';
import {
  buildFaultRun,
  crashMatrix,
  type FaultCase,
  possibleFaults,
  removeFaultRun,
  runExamctl,
} from '../support/crash-matrix.ts';
import { composePrograms, startEngine, type TestEngine, whyNoEngine } from '../support/docker-engine.ts';
import { type Started, until } from '../support/examctl.ts';
import { isFull, onlyInFull } from '../support/sample.ts';

const [program] = composePrograms.filter(({ missing }) => missing === null);
const why = whyNoEngine() ?? (program === undefined ? 'there is no docker compose' : null);

describe('a fault on an environment that compose runs, that ends', () => {
  if (why !== null || program === undefined) {
    return it('comes back', ({ skip }) => skip(why ?? ''));
  }

  let engine: TestEngine;
  let lanes: ComposeLane[];
  let lane: ComposeLane;
  let before: Snapshot;
  beforeAll(async () => {
    await buildFaultRun();
    engine = await startEngine();
    program.install(engine);
    lanes = await startLanes(engine, program.command, isFull ? 3 : 1);
    [lane] = lanes as [ComposeLane];
    before = await lane.environment.driver.snapshot();
  }, 180_000);
  afterAll(async () => {
    removeFaultRun();
    removeLanes(lanes);
    await engine?.stop();
  }, 120_000);

  it('too early, whichever fault at whichever line, leaves it as it was', {
    timeout: 1_800_000,
  }, async () => {
    const faults = await possibleFaults(lane, 'compose', {
      'memory-stress': ['service=cache'],
      'connection-exhaustion': ['share=0.3'],
    });
    expect(faults.length).toBeGreaterThan(12);

    const { cases, whole, broken } = await crashMatrix(faults, lanes);

    process.stdout.write(`crash matrix, compose: ${cases} cases, ${whole} whole\n`);
    expect(broken).toEqual([]);
  });

  const inject = async ([fault, ...set]: FaultCase, state = lane.state): Promise<Started> => {
    const given = set.flatMap((text) => ['--set', text]);
    const args = [
      'fault',
      'inject',
      fault,
      ...given,
      '--for',
      '60s',
      '-e',
      'staging',
      '--config',
      lane.config ?? '',
    ];
    const run = lane.shell.start(args, { ...lane.env, EXAMCTL_STATE: state });
    await run.says('holding for 60 s');
    return run;
  };
  const isWhole = async () => {
    const recovered = await runExamctl(['recover'], lane);
    expect(recovered.code, recovered.said).toBe(0);
    expect(await lane.environment.driver.snapshot()).toEqual(before);
    expect(new RunFolders(lane.state).open()).toEqual([]);
  };
  const untilWhole = () =>
    until(
      async () => JSON.stringify(await lane.environment.driver.snapshot()) === JSON.stringify(before),
      30,
    );

  it.each([
    { signal: 'SIGTERM', fault: ['redis-hang'], exitCode: 143 },
    { signal: 'SIGHUP', fault: ['network-cut', 'to=database'], exitCode: 143 },
    { signal: 'SIGINT', fault: ['database-slow'], exitCode: 130 },
  ] as const)(
    'by $signal is reverted: $fault.0',
    { timeout: 120_000 },
    async ({ signal, fault, exitCode }) => {
      const run = await inject(fault);
      run.process.kill(signal);
      const ended = await run.ended;
      expect(ended.exitCode, ended.stderr).toBe(exitCode);
      await isWhole();
    },
  );

  it('by Ctrl-C twice says what is left to its guardian, which reverts', { timeout: 120_000 }, async () => {
    const run = await inject(['network-delay', 'to=database']);
    run.process.kill('SIGINT');
    await run.says('once more to leave at once');
    run.process.kill('SIGINT');
    const { exitCode, stderr } = await run.ended;
    expect([6, 130], stderr).toContain(exitCode);
    await untilWhole();
    await isWhole();
  });

  it('with its terminal is reverted by its guardian', { timeout: 120_000 }, async () => {
    const examctl = `${process.execPath} ${join(packageRoot(), 'bin/examctl.js')}`;
    const command = `${examctl} fault inject disk-full --for 60s -e staging --config ${lane.config}`;
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { ...process.env, ...lane.env, EXAMCTL_STATE: lane.state },
      stdio: 'ignore',
      detached: true,
    });
    const folders = new RunFolders(lane.state);
    await until(
      async () =>
        JSON.stringify(await lane.environment.driver.snapshot()) !== undefined && folders.open().length > 0,
      20,
    );
    const [run] = folders.open();
    const applied = async () =>
      (await folders.journal(run?.id ?? '').read()).some(({ type }) => type === 'change.verified');
    await until(applied, 20);
    // what a lost SSH connection takes along: the shell's side of the terminal, and with it the command
    process.kill(terminal.pid ?? 0, 'SIGKILL');
    process.kill(run?.identity.pid ?? 0, 'SIGKILL');
    const reverted = async () =>
      (await folders.journal(run?.id ?? '').read()).some(({ type }) => type === 'run.finished');
    await until(reverted, 20);
    await isWhole();
  });

  it('while the disk with its journal is full is reverted all the same', { timeout: 90_000 }, async () => {
    const state = join(engine.folder, 'small-disk');
    mkdirSync(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', state]);
    try {
      const run = await inject(['redis-outage'], state);
      try {
        writeFileSync(join(state, 'filler'), Buffer.alloc(4 * 1_048_576));
      } catch {
        // full
      }
      run.process.kill('SIGTERM');
      const { stderr } = await run.ended;
      expect(stderr).toContain('ENOSPC');
      await untilWhole();
      rmSync(join(state, 'filler'));
      const recovered = await runExamctl(['recover'], { ...lane, state });
      expect(recovered.code, recovered.said).toBe(0);
      expect(new RunFolders(state).open()).toEqual([]);
    } finally {
      execFileSync('umount', ['--lazy', state]);
    }
    await isWhole();
  });

  it('while the engine is stopped is tried again until it is there', { timeout: 120_000 }, async () => {
    const run = await inject(['redis-outage']);
    await engine.halt();
    run.process.kill('SIGTERM');
    await run.says('not yet');
    await engine.resume();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode, stderr).toBe(143);
    await isWhole();
  });

  it('while the engine stays away is exit 6 with the command to type', { timeout: 240_000 }, async ({
    skip,
  }) => {
    if (!isFull) skip(onlyInFull);
    const run = await inject(['redis-hang']);
    const socket = join(engine.folder, 'd.sock');
    renameSync(socket, `${socket}.away`);
    try {
      run.process.kill('SIGTERM');
      const { exitCode, stderr } = await run.ended;
      expect(exitCode, stderr).toBe(6);
      expect(stderr).toContain('examctl recover');
      expect(stderr).toContain('does not answer');
    } finally {
      renameSync(`${socket}.away`, socket);
    }
    await isWhole();
  });
});
