import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Capture, captureMetrics } from '../../src/collectors/capture.ts';
import { watchPool } from '../../src/collectors/watch-pool.ts';
import { runMetricsCapture } from '../../src/commands/metrics.ts';
import { walkCanary } from '../../src/probes/index.ts';
import type { Report } from '../../src/report/report.ts';
import { breakWith, mend } from '../../src/sandbox/defect-switch.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { type TestSandbox, testSandbox } from '../support/sandbox.ts';
import { type SandboxEnvironment, sandboxEnvironment } from '../support/sandbox-environment.ts';

const { signal } = new AbortController();
let sandbox: TestSandbox;
let environment: SandboxEnvironment;
let folder: string;

beforeAll(async () => {
  sandbox = testSandbox();
  await up(sandbox.context, { students: 40 });
  environment = await sandboxEnvironment(sandbox.context.stateFolder);
  folder = await mkdtemp(join(tmpdir(), 'examctl-metrics-'));
}, 120_000);
afterAll(async () => {
  await environment?.close();
  await sandbox.remove();
  await rm(folder, { recursive: true, force: true });
});

function figure(capture: Capture, collector: string, name: string) {
  const collected = capture.collectors.find(({ id }) => id === collector);
  const found = collected?.figures.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no figure ${name} of ${collector}: ${collected?.reason}`);
  return found.value;
}

test('a capture holds what a student has just done', async () => {
  const since = new Date();
  const { outcome } = await walkCanary(environment, { signal });
  expect(outcome).toBe('pass');
  const capture = await captureMetrics({ environment, folder, since, signal });
  expect(capture.collectors.map(({ id, result, reason }) => [id, result, reason])).toEqual([
    ['database-connections', 'ok', undefined],
    ['processes', 'ok', undefined],
    ['redis-info', 'ok', undefined],
    ['request-log', 'ok', undefined],
    ['sessions-by-state', 'ok', undefined],
  ]);
  // me, and for each of two sessions: create, read, answer, read, submit, submit
  expect(figure(capture, 'request-log', 'requests')).toBe(13);
  expect(figure(capture, 'request-log', 'errors')).toBe(0);
  expect(figure(capture, 'request-log', 'p95_ms')).toBeGreaterThan(0);
  expect(figure(capture, 'sessions-by-state', 'started_since')).toBe(2);
  expect(figure(capture, 'database-connections', 'pool_capacity')).toBe(40);
  expect(figure(capture, 'database-connections', 'pool_open')).toBeGreaterThan(0);
  expect(figure(capture, 'database-connections', 'max_connections')).toBe(100);
  expect(figure(capture, 'redis-info', 'used_memory')).toBeGreaterThan(0);
  expect(figure(capture, 'processes', 'memory')).toBeGreaterThan(1_000_000);
  expect(figure(capture, 'processes', 'cpu')).toBeGreaterThanOrEqual(0);

  const summary = await readFile(join(folder, 'summary.md'), 'utf8');
  expect(summary).toContain('POST /v1/sessions/{id}/submit');
  const requests = (await readFile(join(folder, 'evidence/requests.ndjson'), 'utf8')).trim().split('\n');
  expect(requests.filter((line) => !line.includes('/health'))).toHaveLength(13);
  const [student] = await environment.identities(1);
  for (const file of capture.files) {
    expect(await readFile(join(folder, file), 'utf8')).not.toContain(student?.userId);
  }
});

test('a capture without its cache and database still has the rest, and says what is missing', async () => {
  await environment.driver.stop('cache', signal);
  await environment.driver.stop('database', signal);
  const reports: Report[] = [];
  try {
    await runMetricsCapture(
      { folder: join(folder, 'ill'), since: new Date(Date.now() - 60_000) },
      {
        openEnvironment: async () => environment,
        progress: { start: () => {}, update: () => {}, done: () => {}, end: () => {}, note: () => {} },
        report: async (report) => {
          reports.push(report);
        },
        signal,
      },
    );
  } finally {
    await environment.driver.start('cache', signal);
    await environment.driver.start('database', signal);
  }
  const [report] = reports;
  expect(report?.exitCode).toBe(3);
  expect(report?.outcomes?.map(({ id, outcome }) => [id, outcome])).toEqual([
    ['collected-database-connections', 'unknown'],
    ['collected-processes', 'pass'],
    ['collected-redis-info', 'unknown'],
    ['collected-request-log', 'pass'],
    ['collected-sessions-by-state', 'unknown'],
  ]);
}, 120_000);

test('watching the pool sees no leak where there is none, and one where there is', async () => {
  const watch = async (milliseconds: number) => {
    const controller = new AbortController();
    const watching = watchPool(environment, { everyMs: 200, signal: controller.signal });
    await sleep(milliseconds);
    controller.abort();
    return watching;
  };
  const healthy = await watch(1_000);
  expect(healthy.samples.length).toBeGreaterThan(2);
  expect(healthy.maximumShare).toBeLessThan(0.8);

  await breakWith(sandbox.context, 'connection-leak');
  try {
    const leaking = await watch(22_000);
    expect(leaking.maximumShare).toBeGreaterThan(0.8);
    expect(leaking.maximumWorkerShare).toBeGreaterThan(0.8);
  } finally {
    await mend(sandbox.context, 'all');
  }
}, 120_000);
