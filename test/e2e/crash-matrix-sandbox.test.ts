import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import { openEnvironment } from '../../src/index.ts';
import type { Snapshot } from '../../src/lifecycle/environment.ts';
import { plansAtWork } from '../../src/lifecycle/journal.ts';
import { differencesOf } from '../../src/lifecycle/snapshot.ts';
import { runLocksOf } from '../../src/main/run-locks.ts';
import {
  buildFaultRun,
  crashMatrix,
  type Lane,
  possibleFaults,
  recoverHere,
  removeFaultRun,
  runFault,
} from '../support/crash-matrix.ts';
import { Examctl, partState, until } from '../support/examctl.ts';
import { isFull, onlyInFull } from '../support/sample.ts';

const inject = ['fault', 'inject', 'redis-outage', '--for', '1s'];

const sandboxes = Array.from({ length: isFull ? 2 : 1 }, () => new Examctl());
const [examctl] = sandboxes as [Examctl];
let lanes: Lane[];
let lane: Lane;
let before: Snapshot;

beforeAll(async () => {
  await buildFaultRun();
  lanes = await Promise.all(sandboxes.map(laneOf));
  [lane] = lanes as [Lane];
  before = await lane.environment.driver.snapshot();
}, 180_000);
afterAll(async () => {
  removeFaultRun();
  await Promise.all(sandboxes.map((sandbox) => sandbox.remove()));
}, 120_000);

async function laneOf(sandbox: Examctl): Promise<Lane> {
  const { exitCode, stderr } = await sandbox.run('sandbox', 'up');
  expect(exitCode, stderr).toBe(0);
  const environment = await openEnvironment('sandbox', { state: sandbox.state });
  return { state: sandbox.state, environment, env: {} };
}

/** Nothing that examctl changed is left, and another run is possible. */
async function expectWhole(what: string, recover = recoverByCommand): Promise<void> {
  const snapshot = () => lane.environment.driver.snapshot();
  await until(async () => differencesOf(before, await snapshot()).length === 0, 60);
  expect(await recover(), what).toBeUndefined();
  const folders = new RunFolders(examctl.state);
  expect(folders.open(), what).toEqual([]);
  for (const id of folders.list())
    expect(plansAtWork(await folders.journal(id).read()), `${what}: ${id}`).toEqual([]);
  const lock = await runLocksOf(lane.environment, lane.state).current();
  expect(lock === null || lock.expired, `${what}: the run lock is still held: ${JSON.stringify(lock)}`).toBe(
    true,
  );
}

async function recoverByCommand(): Promise<string | undefined> {
  const { exitCode, stderr } = await examctl.run('recover');
  return exitCode === 0 ? undefined : stderr;
}

async function recoverAllHere(): Promise<string | undefined> {
  const problems = [];
  for (const { id } of new RunFolders(examctl.state).open()) problems.push(await recoverHere(id, lane));
  return problems.find((problem) => problem !== undefined);
}

it('leaves the sandbox as it was, whichever fault is cut short at whichever line', {
  timeout: 1_800_000,
}, async () => {
  const possible = await possibleFaults(lane, 'sandbox', { 'connection-exhaustion': ['share=0.3'] });
  expect(possible.length).toBeGreaterThan(12);

  const { cases, whole, broken } = await crashMatrix(possible, lanes);

  process.stdout.write(`crash matrix, sandbox: ${cases} cases, ${whole} whole\n`);
  expect(broken).toEqual([]);
});

describe('a fault whose run is killed', () => {
  it('leaves the environment whole, at whichever journal line', { timeout: 240_000 }, async ({ skip }) => {
    if (!isFull) skip(onlyInFull);
    let cases = 0;
    for (let line = 1; ; line += 1) {
      for (const moment of ['-', '+']) {
        const { code, said } = await runFault(['redis-outage'], lane, { KILL_AT: `${line}${moment}` });
        if (code === 0) {
          // there is no such line any more: every one has been tried
          expect(line).toBeGreaterThan(12);
          process.stdout.write(`crash matrix, every line of the journal: ${cases} cases, ${cases} whole\n`);
          return;
        }
        expect(code, `line ${line}${moment}: ${said}`).toBe(null);
        cases += 1;
        await expectWhole(`killed at line ${line}${moment}`, recoverAllHere);
      }
    }
  });

  it('is noticed by the next command, and is reverted by hand when its guardian was killed, too', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '30s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);
    const [open] = new RunFolders(examctl.state).open();
    const lines = await new RunFolders(examctl.state).journal(open?.id ?? '').read();
    const guardian = lines.find((journalled) => journalled.type === 'guardian.ready');
    process.kill(guardian?.pid ?? 0, 'SIGKILL');
    run.process.kill('SIGKILL');
    await run.ended;

    const next = await examctl.run('fault', 'list');
    expect(next.stderr).toContain(`run ${open?.id}`);
    expect(next.stderr).toContain('examctl recover');
    const refused = await examctl.run(...inject);
    expect(refused.exitCode).toBe(4);

    expect((await examctl.run('recover')).exitCode).toBe(0);
    await expectWhole('run and guardian killed');
  });

  it('is not called recovered when its journal was lost, and nothing changes on top of it', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '30s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);
    const folders = new RunFolders(examctl.state);
    const [open] = folders.open();
    const file = join(folders.path(open?.id ?? ''), 'journal.ndjson');
    const journal = readFileSync(file, 'utf8');
    const lines = await folders.journal(open?.id ?? '').read();
    process.kill(lines.find((line) => line.type === 'guardian.ready')?.pid ?? 0, 'SIGKILL');
    run.process.kill('SIGKILL');
    await run.ended;
    writeFileSync(file, '');

    expect((await examctl.run('fault', 'status')).exitCode).toBe(3);
    const recover = await examctl.run('recover');
    expect(recover.exitCode, recover.stderr).toBe(3);
    expect(recover.stderr).toContain('cannot be trusted');
    expect((await examctl.run(...inject)).exitCode).toBe(4);

    writeFileSync(file, journal);
    expect((await examctl.run('recover')).exitCode).toBe(0);
    await expectWhole('the journal was lost and found');
  });

  it('is reverted by its guardian after the terminal is gone', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '30s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);
    run.process.kill('SIGHUP');
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(143);
    expect(stderr).toMatch(/journal of run \S+: \/.*\/runs\//);
    await expectWhole('SIGHUP');
  });

  it('reverts at once when its guardian is killed', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '30s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);
    const [open] = new RunFolders(examctl.state).open();
    const lines = await new RunFolders(examctl.state).journal(open?.id ?? '').read();
    const guardian = lines.find((journalled) => journalled.type === 'guardian.ready');
    process.kill(guardian?.pid ?? 0, 'SIGKILL');
    const { exitCode, stderr } = await run.ended;
    expect(exitCode, stderr).toBe(5);
    await expectWhole('guardian killed');
  });

  it('keeps the sandbox from being taken down, and ends in order first when that is wanted', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '60s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);

    const refused = await examctl.run('sandbox', 'down');
    expect(refused, refused.stderr).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--halt') });
    expect(await partState(examctl, 'cache-1')).toBe('stopped');
    const reset = await examctl.run('sandbox', 'reset', '--halt');

    expect(reset.exitCode, reset.stderr).toBe(0);
    expect(await run.ended).toMatchObject({
      exitCode: 143,
      stderr: expect.stringContaining('cache-1: running'),
    });
    expect(new RunFolders(examctl.state).open()).toEqual([]);
  });

  it('is over when its sandbox was made anew meanwhile: nothing is left to undo', async () => {
    const run = examctl.start(['fault', 'inject', 'redis-outage', '--for', '30s']);
    await until(async () => (await partState(examctl, 'cache-1')) === 'stopped', 60);
    const folders = new RunFolders(examctl.state);
    const [open] = folders.open();
    const lines = await folders.journal(open?.id ?? '').read();
    process.kill(lines.find((line) => line.type === 'guardian.ready')?.pid ?? 0, 'SIGKILL');
    run.process.kill('SIGKILL');
    await run.ended;
    const reset = await examctl.run('sandbox', 'reset');
    expect(reset.exitCode, reset.stderr).toBe(0);

    const recover = await examctl.run('recover');

    expect(recover.exitCode, recover.stderr).toBe(0);
    expect(folders.open()).toEqual([]);
  });
});
