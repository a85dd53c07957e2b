import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { helperProcesses } from '../../src/adapters/helper-processes.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import { processStat, readProcFile } from '../../src/adapters/processes.ts';
import type { Helpers } from '../../src/lifecycle/disturbance.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { program } from '../support/sandbox.ts';
import { startTestServices, type TestServices } from '../support/services.ts';

const { signal } = new AbortController();
const ticksPerSecond = 100;
let folder: string;
let helpers: Helpers;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-helpers-'));
  const flags = ['--state', folder, '--env', 'staging', '--config', join(folder, 'examctl.yaml')];
  helpers = helperProcesses({ program, flags, scope: randomUUID() });
});
afterEach(async () => {
  for (const mark of ['a fault', 'another']) await helpers.end(mark);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Its process id. */
async function started(name: string, options: Record<string, string>, lifeSeconds = 600): Promise<number> {
  await helpers.start({ mark: 'a fault', name, options, lifeSeconds }, signal);
  const [pid, ...others] = helpers.find('a fault');
  expect(others).toEqual([]);
  if (pid === undefined) throw new Error('no helper is found');
  return pid;
}

function residentMebibytes(pid: number): number {
  const status = readProcFile(`/proc/${pid}/status`) ?? '';
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}

describe('a helper', () => {
  it('is found by its mark by whoever looks, and by nobody of another environment', async () => {
    const pid = await started('hold-memory', { mebibytes: '1' });
    expect(helpers.find()).toEqual([pid]);
    expect(helpers.find('another')).toEqual([]);
    expect(helpers.find('a')).toEqual([]);
    const elsewhere = helperProcesses({ program, flags: [], scope: 'elsewhere' });
    expect(elsewhere.find()).toEqual([]);
    await elsewhere.end('a fault');
    expect(helpers.find('a fault')).toEqual([pid]);
  });

  it('is started once, and is gone when it is ended, however often', async () => {
    const pid = await started('hold-memory', { mebibytes: '1' });
    expect(await started('hold-memory', { mebibytes: '1' })).toBe(pid);
    await helpers.end('a fault');
    expect(processStat(pid)?.state ?? 'gone').toMatch(/gone|Z/);
    expect(helpers.find('a fault')).toEqual([]);
    await helpers.end('a fault');
  });

  it.each([
    ['hold-memory', { mebibytes: '1' }],
    ['burn-cpu', { cores: '1' }],
  ] as const)('%s lives until its time is over, and ends then by itself', async (name, options) => {
    const begun = performance.now();
    await started(name, options, 2);
    await expect.poll(() => helpers.find('a fault')).toEqual([]);
    expect(performance.now() - begun).toBeGreaterThan(1_900);
  });

  it('that cannot do its work says why, and is not there', async () => {
    const attempt = helpers.start(
      { mark: 'a fault', name: 'burn-cpu', options: { cores: '1', like: '999999999' }, lifeSeconds: 60 },
      signal,
    );
    await expect(attempt).rejects.toThrow(Undetermined);
    await expect(attempt).rejects.toThrow('999999999');
    expect(helpers.find('a fault')).toEqual([]);
    const unknown = helpers.start({ mark: 'a fault', name: 'burn', options: {}, lifeSeconds: 60 }, signal);
    await expect(unknown).rejects.toThrow('no helper burn');
  });

  it('that is not wanted any more before it is ready does not stay', async () => {
    const abort = new AbortController();
    const attempt = helpers.start(
      { mark: 'a fault', name: 'hold-memory', options: { mebibytes: '1' }, lifeSeconds: 60 },
      abort.signal,
    );
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(attempt).rejects.toThrow('enough');
    await expect.poll(() => helpers.find('a fault')).toEqual([]);
  });
});

describe('burn-cpu', () => {
  it('keeps a core busy', async () => {
    const pid = await started('burn-cpu', { cores: '1' });
    const before = processStat(pid)?.ticks ?? 0;
    const begun = performance.now();
    const used = () => ((processStat(pid)?.ticks ?? 0) - before) / ticksPerSecond;
    await expect.poll(used).toBeGreaterThan(0.5);
    // of one core, and not of two
    expect(used()).toBeLessThan((1.5 * (performance.now() - begun)) / 1_000);
  });
});

describe('hold-memory', () => {
  it('holds what it was asked for, at once', async () => {
    const little = residentMebibytes(await started('hold-memory', { mebibytes: '1' }));
    await helpers.end('a fault');
    const much = residentMebibytes(await started('hold-memory', { mebibytes: '150' }));
    expect(much - little).toBeGreaterThan(140);
    expect(much - little).toBeLessThan(190);
  });
});

describe('delay-relay', () => {
  let echo: Server;
  let port: number;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    echo = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    port = (echo.address() as { port: number }).port;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    echo.close();
  });

  it('hands on each piece as much later as it came, in order, and not one after the other', async () => {
    const [relay = 0] = await freePorts(1);
    await started('delay-relay', { port: `${relay}`, to: `${port}`, milliseconds: '300' });
    const client = createConnection({ host: '127.0.0.1', port: relay, noDelay: true });
    let received = '';
    client.on('data', (chunk) => {
      received += chunk;
    });
    await new Promise((resolve) => client.once('connect', resolve));
    const begun = performance.now();
    for (const text of ['one ', 'two ', 'three']) {
      client.write(text);
      await sleep(60);
    }
    await expect.poll(() => received, { interval: 5 }).not.toBe('');
    expect(performance.now() - begun).toBeGreaterThan(290);
    await expect.poll(() => received, { interval: 5 }).toBe('one two three');
    client.destroy();
  });

  it('that is ended lets an exchange come to its end, and closes what is idle', async () => {
    const [relay = 0] = await freePorts(1);
    await started('delay-relay', { port: `${relay}`, to: `${port}`, milliseconds: '300' });
    const connect = async () => {
      const client = createConnection({ host: '127.0.0.1', port: relay, noDelay: true });
      const seen = { received: '', closed: false, failed: false };
      client.on('data', (chunk) => {
        seen.received += chunk;
      });
      client.on('error', () => {
        seen.failed = true;
      });
      client.once('close', () => {
        seen.closed = true;
      });
      await new Promise((resolve) => client.once('connect', resolve));
      return { client, seen };
    };
    const idle = await connect();
    const busy = await connect();
    busy.client.write('question');
    await sleep(50);
    await helpers.end('a fault');
    expect(helpers.find('a fault')).toEqual([]);
    await expect
      .poll(() => [idle.seen, busy.seen])
      .toEqual([
        { received: '', closed: true, failed: false },
        { received: 'question', closed: true, failed: false },
      ]);
  });

  it('on which nobody answers is ended all the same', async () => {
    const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const [relay = 0] = await freePorts(1);
    const to = `${(silent.address() as { port: number }).port}`;
    await started('delay-relay', { port: `${relay}`, to, milliseconds: '10' });
    const client = createConnection({ host: '127.0.0.1', port: relay });
    client.on('error', () => undefined);
    client.write('question');
    await sleep(100);
    await helpers.end('a fault');
    client.destroy();
    silent.close();
  });
});

describe('hold-connections', () => {
  let services: TestServices;
  let database: pg.Client;

  beforeAll(async () => {
    services = await startTestServices();
    writeFileSync(
      join(folder, 'examctl.yaml'),
      `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "http://127.0.0.1:1" }
    database: { url: "\${file:${join(folder, 'url')}}" }
`,
    );
    writeFileSync(join(folder, 'url'), services.databaseUrl, { mode: 0o600 });
    database = new pg.Client({ connectionString: services.databaseUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await services?.stop();
  });

  const held = async () => {
    const { rows } = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    return rows[0]?.count ?? 0;
  };

  it('holds as many as it is asked for, until it is ended', async () => {
    expect(await held()).toBe(0);
    await started('hold-connections', { count: '12' });
    expect(await held()).toBe(12);
    await helpers.end('a fault');
    await expect.poll(held).toBe(0);
  });

  it('takes what there is when the server gives no more', async () => {
    await started('hold-connections', { count: '300' });
    expect(await held()).toBeGreaterThan(80);
    const oneMore = new pg.Client({ connectionString: services.databaseUrl });
    await expect(oneMore.connect()).rejects.toThrow('too many clients');
  });

  it('lets them go when its time is over', async () => {
    await started('hold-connections', { count: '3' }, 2);
    expect(await held()).toBe(3);
    await expect.poll(held).toBe(0);
    await expect.poll(() => helpers.find('a fault')).toEqual([]);
  });
});
