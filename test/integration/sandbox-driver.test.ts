import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../src/adapters/files.ts';
import { sandboxDriver } from '../../src/drivers/sandbox/driver.ts';
import type { Driver, LogLine, Service } from '../../src/lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../src/lifecycle/errors.ts';
import { openSandbox, type SandboxAccess } from '../../src/sandbox/access.ts';
import { locateSandbox } from '../../src/sandbox/folder.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { sandboxHelpers, type TestSandbox, testSandbox } from '../support/sandbox.ts';

let sandbox: TestSandbox;
let driver: Driver;
let access: SandboxAccess;
const { signal } = new AbortController();

beforeAll(async () => {
  sandbox = testSandbox();
  driver = driverOf(sandbox.context.stateFolder);
  await up(sandbox.context, { students: 20 });
  access = openSandbox(sandbox.context.stateFolder);
});
afterAll(() => sandbox.remove());

function driverOf(stateFolder: string): Driver {
  return sandboxDriver({ stateFolder, helpers: sandboxHelpers(stateFolder) });
}

async function instances(service: Service) {
  return (await driver.instances()).filter((instance) => instance.service === service);
}

function health(url = access.apiUrl): Promise<number | 'no answer'> {
  return fetch(`${url}/health`).then(
    ({ status }) => status,
    () => 'no answer' as const,
  );
}

describe('the sandbox driver', () => {
  it('lists every instance with what its state rests on', async () => {
    const all = await driver.instances();
    expect(all.map(({ id, service, state }) => `${id} ${service} ${state}`)).toEqual([
      'database-1 database running',
      'cache-1 cache running',
      'backend-1 backend running',
      'backend-2 backend running',
      'edge-1 edge running',
      'jobs-1 worker running',
    ]);
    for (const { address } of await instances('backend')) expect(await health(address)).toBe(200);
  });

  it('stops the backend, so that the edge has nobody to ask, and starts it until it answers', async () => {
    await driver.stop('backend', signal);
    expect((await instances('backend')).map(({ state, pid }) => ({ state, pid }))).toEqual([
      { state: 'stopped', pid: undefined },
      { state: 'stopped', pid: undefined },
    ]);
    expect(await health()).toBe(502);
    await sleep(1_000);
    expect((await instances('backend')).map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    await driver.start('backend', signal);
    expect(await health()).toBe(200);
  });

  it('does nothing when what is asked for is so already', async () => {
    const before = await instances('cache');
    await driver.start('cache', signal);
    expect(await instances('cache')).toEqual(before);
    await driver.stop('worker', signal);
    await driver.stop('worker', signal);
    await driver.start('worker', signal);
  });

  it('stops and starts the cache', async () => {
    await driver.stop('cache', signal);
    const refused = new Redis(access.redisUrl, { lazyConnect: true, retryStrategy: null });
    refused.on('error', () => undefined);
    await expect(refused.connect()).rejects.toThrow();
    await driver.start('cache', signal);
    const redis = new Redis(access.redisUrl);
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it('restarts the database so that it answers, with its data', async () => {
    const [before] = await instances('database');
    await driver.restart('database', signal);
    const [after] = await instances('database');
    expect(after?.pid).not.toBe(before?.pid);
    const client = new pg.Client({ connectionString: access.databaseUrl });
    await client.connect();
    const { rows } = await client.query(`SELECT count(*)::int AS students FROM users WHERE role = 'STUDENT'`);
    await client.end();
    expect(rows).toEqual([{ students: 20 }]);
  });

  it('restarts all instances of the backend at once', async () => {
    const before = await instances('backend');
    await driver.restart('backend', signal);
    const after = await instances('backend');
    for (const [index, { pid, state }] of after.entries()) {
      expect(state).toBe('running');
      expect(pid).not.toBe(before[index]?.pid);
    }
  });

  it('restarts one instance in order and waits until it answers, while the others stay', async () => {
    const [first, second] = await instances('backend');
    await driver.restartInstance('backend-2', signal);
    const [firstAfter, secondAfter] = await instances('backend');
    expect(firstAfter?.pid).toBe(first?.pid);
    expect(secondAfter?.pid).not.toBe(second?.pid);
    // not a crash: it was asked to end
    expect(secondAfter).toMatchObject({ state: 'running', restarts: second?.restarts });
    await expect(driver.restartInstance('backend-9', signal)).rejects.toThrow(UsageError);
  });

  it('kills one worker process, which is gone then and is replaced', async () => {
    const before = await driver.workers('backend');
    expect(before).toHaveLength(2);
    const restarts = (await instances('backend')).at(-1)?.restarts ?? 0;
    await driver.killWorker('backend', signal);
    expect(await driver.workers('backend')).not.toContain(before[1]);
    await driver.start('backend', signal);
    expect((await driver.workers('backend'))[0]).toBe(before[0]);
    expect((await instances('backend')).at(-1)).toMatchObject({ state: 'running', restarts: restarts + 1 });
    await expect(driver.killWorker('database', signal)).rejects.toThrow('no worker processes');
  });

  it('sets a variable that the running processes then have, and unsets it', async () => {
    expect(await driver.variable('backend', 'EXAM_MODE')).toBeUndefined();
    await driver.setVariable('backend', 'EXAM_MODE', 'true', signal);
    await driver.setVariable('backend', 'WITH_SIGNS', 'a=b c#d', signal);
    expect(await driver.variable('backend', 'EXAM_MODE')).toBe('true');
    expect(await driver.variable('backend', 'WITH_SIGNS')).toBe('a=b c#d');
    await driver.setVariable('backend', 'EXAM_MODE', undefined, signal);
    expect(await driver.variable('backend', 'EXAM_MODE')).toBeUndefined();
    expect(await driver.variable('backend', 'WITH_SIGNS')).toBe('a=b c#d');
    await expect(driver.setVariable('cache', 'EXAM_MODE', 'true', signal)).rejects.toThrow(UsageError);
  });

  it('reads the log since a time, and no line of before', async () => {
    await fetch(`${access.apiUrl}/auth/me`, { headers: { 'x-request-id': 'early-request' } });
    await sleep(20);
    const since = new Date();
    await fetch(`${access.apiUrl}/auth/me`, { headers: { 'x-request-id': 'late-request' } });
    await sleep(100);
    const all = await collect(driver.logs('backend', {}));
    const late = await collect(driver.logs('backend', { since }));
    expect(all.some(({ text }) => text.includes('early-request'))).toBe(true);
    expect(late.some(({ text }) => text.includes('early-request'))).toBe(false);
    expect(late.some(({ text }) => text.includes('late-request'))).toBe(true);
    expect(late.every(({ instance }) => instance.startsWith('backend-'))).toBe(true);
  });

  it('reads the times of PostgreSQL and Redis too', async () => {
    await sleep(20);
    const since = new Date();
    expect(await collect(driver.logs('database', { since }))).toEqual([]);
    await driver.restart('cache', signal);
    const lines = await collect(driver.logs('cache', { since }));
    expect(lines.some(({ text }) => text.includes('Ready to accept connections'))).toBe(true);
    expect(lines.length).toBeLessThan((await collect(driver.logs('cache', {}))).length);
  });

  it('measures memory at once and processor time from the second sample on', async () => {
    const first = await driver.stats();
    expect(first.map(({ id }) => id)).toEqual((await driver.instances()).map(({ id }) => id));
    expect(first.every(({ memoryBytes }) => (memoryBytes ?? 0) > 1_000_000)).toBe(true);
    const client = new pg.Client({ connectionString: access.databaseUrl });
    await client.connect();
    await driver.stats();
    await client.query('SELECT count(*) FROM generate_series(1, 3000000)');
    const busy = (await driver.stats()).find(({ service }) => service === 'database');
    await client.end();
    expect(busy?.cpu).toBeGreaterThan(0.2);
  });

  it('switches background jobs off, and none of them runs then', async () => {
    const keys = (await driver.jobs()).map(({ key }) => key);
    expect(keys).toEqual(['revision_queue_regen', 'warehouse_incremental_export']);
    const { jobsState } = locateSandbox(sandbox.context.stateFolder);
    const lastRuns = () =>
      Object.values(readJson<Record<string, { lastRun: string }>>(jobsState) ?? {}).map((job) => job.lastRun);
    await waitFor(() => lastRuns().length === 2);
    await driver.setJobsEnabled(false, keys, signal);
    const before = lastRuns();
    expect((await driver.jobs()).map(({ enabled, running }) => ({ enabled, running }))).toEqual([
      { enabled: false, running: false },
      { enabled: false, running: false },
    ]);
    await sleep(3_000);
    expect(lastRuns()).toEqual(before);
    await driver.setJobsEnabled(true, keys, signal);
    await waitFor(() => lastRuns().every((time, index) => time !== before[index]));
    await expect(driver.setJobsEnabled(false, ['revision_queue'], signal)).rejects.toThrow(UsageError);
  });

  it('has students with tokens that the platform accepts', async () => {
    const [student] = await access.identities(1);
    const me = async (token: string | undefined) =>
      (await fetch(`${access.apiUrl}/auth/me`, { headers: { authorization: `Bearer ${token}` } })).json();
    expect(await me(student?.token)).toMatchObject({ user: { email: student?.email, role: 'STUDENT' } });
    expect(await me(await access.adminToken())).toMatchObject({ user: { role: 'ADMIN' } });
    expect(await access.identities(21)).toHaveLength(20);
    const [late] = await access.identities(1, { clockOffsetSeconds: -25 * 3_600 });
    expect(await me(late?.token)).toMatchObject({ error_code: 'UNAUTHORIZED' });
  });

  it('stops waiting when it is told to, although the service does not answer', async () => {
    const abort = new AbortController();
    const { pid } = (await instances('cache'))[0] ?? {};
    process.kill(pid ?? 0, 'SIGSTOP');
    try {
      setTimeout(() => abort.abort(new Error('enough')), 300);
      await expect(driver.start('cache', abort.signal)).rejects.toThrow('enough');
      expect(await instances('cache')).toMatchObject([
        { state: 'unhealthy', detail: expect.stringContaining('PING') },
      ]);
    } finally {
      process.kill(pid ?? 0, 'SIGCONT');
    }
  });

  it('has no front end, and says what there is', async () => {
    await expect(driver.restart('frontend', signal)).rejects.toThrow('no service "frontend"');
  });

  it('says how to get a sandbox where there is none', async () => {
    const elsewhere = driverOf(join(sandbox.context.stateFolder, 'elsewhere'));
    const attempt = elsewhere.instances();
    await expect(attempt).rejects.toThrow(Undetermined);
    await expect(attempt).rejects.toHaveProperty('hint', 'examctl sandbox up');
    await expect(elsewhere.jobs()).rejects.toThrow(Undetermined);
    await expect(elsewhere.setJobsEnabled(false, ['revision_queue_regen'], signal)).rejects.toThrow(
      Undetermined,
    );
    await expect(elsewhere.stop('cache', signal)).rejects.toThrow(Undetermined);
  });
});

async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

async function waitFor(holds: () => boolean): Promise<void> {
  await expect.poll(holds).toBe(true);
}
