import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AuditLog } from '../../src/adapters/audit-log.ts';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import { recoverRuns } from '../../src/commands/recover.ts';
import type { Environment, Fingerprint } from '../../src/lifecycle/environment.ts';
import { Refused, Undetermined } from '../../src/lifecycle/errors.ts';
import { makeOperator } from '../../src/main/operator.ts';
import { identityOf } from '../support/fake-lifecycle.ts';

let state: string;
let folders: RunFolders;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'examctl-elsewhere-'));
  folders = new RunFolders(state);
});
afterEach(() => rmSync(state, { recursive: true }));

/** A run that stopped the cache and died. */
async function deadRun(target: Fingerprint, process: object = { startTime: 'another' }): Promise<string> {
  const { journal } = await folders.create({ ...identityOf('run-1'), environment: 'staging', target });
  await journal.append({
    type: 'change.started',
    change: 1,
    target: 'service cache',
    apply: { kind: 'service-stop' },
    revert: { kind: 'service-start' },
    undoneBy: 'guardian',
    deadline: null,
  });
  const file = join(state, 'open', 'run-1.json');
  const mark = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...mark, process: { ...mark.process, ...process } }));
  return 'run-1';
}

const notHere = () => {
  throw new Undetermined('it is not to be asked');
};

function operatorOn(now: Fingerprint) {
  const environment = {
    name: 'staging',
    protected: false,
    fingerprint: async () => now,
    withPostgres: notHere,
    driver: { kind: 'compose' },
  } as unknown as Environment;
  return makeOperator({
    environment,
    state,
    folders,
    audit: new AuditLog(state),
    program: [],
    flags: [],
    signal: new AbortController().signal,
    emit: () => undefined,
    actor: async () => ({ name: 'ada', roles: null }),
    reason: undefined,
    breakGlass: false,
    confirm: async () => undefined,
    onUnrecorded: () => undefined,
  });
}

const recovering = (options: object = {}) => {
  const reports: { data: object }[] = [];
  const done = recoverRuns(undefined, {
    archive: folders,
    report: async (report: { data: object }) => void reports.push(report),
    openEnvironment: notHere,
    operator: notHere,
    progress: { note: () => undefined },
    options: { dryRun: false, breakGlass: false, ...options },
  } as unknown as Parameters<typeof recoverRuns>[1]);
  return { done, reports };
};

it('a run is not reverted on another system that is called the same', async () => {
  const run = await deadRun({ database: 'exams of 1', api: 'https://a.example.com' });
  const refused = operatorOn({ database: 'exams of 2', api: 'https://a.example.com' }).recover(run);
  await expect(refused).rejects.toBeInstanceOf(Refused);
  await expect(refused).rejects.toThrow('its database was exams of 1, now it is exams of 2');
  expect(folders.open()).toHaveLength(1);
  expect((await folders.journal(run).read()).map(({ type }) => type)).toEqual([
    'run.started',
    'change.started',
  ]);
});

it('a run of another host is left alone by recover, and refused when it is named', async () => {
  await deadRun({}, { host: 'laptop-2' });
  expect(folders.open()).toMatchObject([{ life: 'elsewhere' }]);
  const { done, reports } = recovering();
  await done;
  expect(reports).toMatchObject([{ data: { runs: [] } }]);
});

it('nothing is changed on top of it', async () => {
  await deadRun({}, { namespace: 'pid:[1]' });
  const plan = { operation: 'exam-mode on', environment: 'staging', changes: [] };
  const run = operatorOn({}).run(plan as unknown as Parameters<ReturnType<typeof operatorOn>['run']>[0]);
  await expect(run).rejects.toThrow(/cannot be seen from here/);
  await expect(run).rejects.toMatchObject({ hint: expect.stringContaining('--break-glass') });
});

it('a dry run of recover shows what would be undone, and does nothing', async () => {
  await deadRun({});
  const { done, reports } = recovering({ dryRun: true });
  await done;
  expect(reports).toMatchObject([
    { data: { runs: [{ run: 'run-1', changes: [{ target: 'service cache', wayBack: 'service-start' }] }] } },
  ]);
  expect(folders.open()).toHaveLength(1);
});
