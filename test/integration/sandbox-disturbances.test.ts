import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, isAlive, processStat } from '../../src/adapters/processes.ts';
import { sandboxDriver } from '../../src/drivers/sandbox/driver.ts';
import type { Disturbance, DisturbanceId, Helpers } from '../../src/lifecycle/disturbance.ts';
import type { Driver, Service, Snapshot } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { openSandbox, type SandboxAccess } from '../../src/sandbox/access.ts';
import { locateSandbox } from '../../src/sandbox/folder.ts';
import { deliveredMailFile } from '../../src/sandbox/mail-vendor.ts';
import { down, up } from '../../src/sandbox/sandbox.ts';
import { pidOf, sandboxHelpers, type TestSandbox, testSandbox } from '../support/sandbox.ts';

let sandbox: TestSandbox;
let driver: Driver;
let helpers: Helpers;
let access: SandboxAccess;
let token: string;
const { signal } = new AbortController();
const open: DisturbanceId[] = [];

beforeAll(async () => {
  sandbox = testSandbox();
  const { stateFolder } = sandbox.context;
  helpers = sandboxHelpers(stateFolder);
  driver = sandboxDriver({ stateFolder, helpers });
  await up(sandbox.context, { students: 20, workers: 1 });
  access = openSandbox(stateFolder);
  token = (await access.identities(1))[0]?.token ?? '';
});
afterEach(async () => {
  for (const what of open.splice(0)) await driver.disturber.calm(what, signal);
});
afterAll(async () => {
  await sandbox.remove();
});

async function disturb(disturbance: Disturbance, lifeSeconds = 60): Promise<DisturbanceId> {
  const what = { id: `test ${disturbance.kind}`, disturbance };
  open.push(what);
  await driver.disturber.disturb({ ...what, lifeSeconds }, signal);
  return what;
}

interface Answer {
  readonly status: number | 'no answer';
  readonly body: { readonly checks?: Record<'db' | 'redis', { readonly status: string }> };
  readonly ms: number;
}

/** Of the backend: a read from the database, or with /ready from the cache too. */
async function ask(path: string, patience = 10_000): Promise<Answer> {
  const started = performance.now();
  const headers = { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`${access.apiUrl}${path}`, {
      headers,
      signal: AbortSignal.timeout(patience),
    });
    const body = (await response.json()) as Answer['body'];
    return { status: response.status, body, ms: performance.now() - started };
  } catch {
    return { status: 'no answer', body: {}, ms: performance.now() - started };
  }
}

const readMs = async (patience?: number) => {
  const { status, ms } = await ask('/auth/me', patience);
  expect(status).toBe(200);
  return ms;
};

/** On a busy machine one read may be slow by accident; where each is delayed, none is quick. */
async function untilQuickerThan(ms: number): Promise<void> {
  await expect.poll(() => readMs(), { timeout: 120_000 }).toBeLessThan(ms);
}

async function differences(before: Snapshot): Promise<string[]> {
  const after = await driver.snapshot();
  return Object.keys({ ...before, ...after }).filter((key) => before[key] !== after[key]);
}

async function query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: access.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const statesOf = (pids: readonly number[]) => pids.map((pid) => processStat(pid)?.state);

describe('a pause', () => {
  // a test that fails leaves nothing paused or stopped to the next one
  afterEach(async () => {
    for (const { service, state } of await driver.instances()) {
      if (state !== 'running') await driver.start(service, signal);
    }
  });

  it('stops the database with all of its processes, and a start lets them go on', async () => {
    await readMs();
    const before = await driver.snapshot();
    const { pid = 0 } = (await driver.instances()).find(({ service }) => service === 'database') ?? {};

    await driver.pause('database', signal);
    // taken now: processes of the autovacuum come and go
    const family = [pid, ...childrenOf(pid)];
    expect(family.length).toBeGreaterThan(5);
    expect(statesOf(family)).toEqual(family.map(() => 'T'));
    expect(await driver.instances()).toContainEqual(
      expect.objectContaining({ id: 'database-1', state: 'unhealthy', detail: 'paused', pid }),
    );
    expect((await ask('/auth/me', 1_000)).status).toBe('no answer');
    expect(await differences(before)).toEqual(['database-1 state']);
    await driver.pause('database', signal);

    await driver.start('database', signal);
    expect(statesOf(family)).not.toContain('T');
    await expect.poll(() => differences(before), { timeout: 120_000 }).toEqual([]);
    await untilQuickerThan(1_000);
  });

  it('makes the cache hang, and a stop ends it all the same', async () => {
    const before = await driver.snapshot();
    const [paused] = (await driver.instances()).filter(({ service }) => service === 'cache');
    await driver.pause('cache', signal);
    const ready = await ask('/ready');
    expect(ready.ms).toBeGreaterThan(1_900);
    expect(ready.body.checks?.redis.status).toBe('degraded');
    await driver.stop('cache', signal);
    expect(processStat(paused?.pid ?? 0)).toBeUndefined();
    await expect(driver.pause('cache', signal)).rejects.toThrow('cache-1 does not run');
    await driver.start('cache', signal);
    await expect.poll(async () => (await ask('/ready')).body.checks?.redis.status).toBe('ok');
    expect(await differences(before)).toEqual([]);
  });

  it.each<Service>(['backend', 'edge', 'worker'])('of the %s is over with a start', async (service) => {
    const before = await driver.snapshot();
    await driver.pause(service, signal);
    const changed = await differences(before);
    await driver.start(service, signal);
    expect(changed).toContain(`${service === 'worker' ? 'jobs' : service}-1 state`);
    await expect.poll(() => differences(before), { timeout: 120_000 }).toEqual([]);
  });

  it('leaves nothing stopped when the process itself is killed meanwhile', async () => {
    const { pid = 0 } = (await driver.instances()).find(({ service }) => service === 'database') ?? {};
    const family = childrenOf(pid);
    await driver.pause('database', signal);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => statesOf(family), { timeout: 120_000 }).toEqual(family.map(() => undefined));
    await driver.start('database', signal);
    await untilQuickerThan(5_000);
  });
});

describe('a network delay', () => {
  it('makes each statement of the backend take longer, also on open connections', async () => {
    await readMs();
    await untilQuickerThan(700);
    const before = await driver.snapshot();
    const what = await disturb({ kind: 'network-delay', from: 'backend', to: 'database', milliseconds: 800 });
    expect(await driver.disturber.isDisturbed(what)).toBe(true);
    const slow = await readMs();
    expect(slow).toBeGreaterThan(800);
    expect(await differences(before)).toEqual(['network']);
    await driver.disturber.disturb({ ...what, lifeSeconds: 60 }, signal);
    await driver.disturber.calm(what, signal);
    await driver.disturber.calm(what, signal);
    expect(await driver.disturber.isDisturbed(what)).toBe(false);
    expect(await differences(before)).toEqual([]);
    await untilQuickerThan(700);
  });

  it('of the cache leaves the database alone, and delays what is sent at the same time by the same time', async () => {
    await disturb({ kind: 'network-delay', from: 'backend', to: 'cache', milliseconds: 400 });
    await untilQuickerThan(300);
    const slowestOfFive = async () => {
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask('/ready')));
      for (const { ms, body } of answers) {
        expect(ms).toBeGreaterThan(400);
        expect(body.checks?.redis.status).toBe('ok');
      }
      return Math.max(...answers.map(({ ms }) => ms));
    };
    // one after the other they would take at least this
    await expect.poll(slowestOfFive, { timeout: 120_000 }).toBeLessThan(5 * 400);
  });

  it('is over by itself when nobody is left who would calm it', async () => {
    const before = await driver.snapshot();
    const what = await disturb(
      { kind: 'network-delay', from: 'backend', to: 'database', milliseconds: 300 },
      1,
    );
    expect(await readMs()).toBeGreaterThan(300);
    await sleep(1_100);
    await untilQuickerThan(200);
    expect(await driver.disturber.isDisturbed(what)).toBe(false);
    expect(await differences(before)).toEqual([]);
  });
});

describe('a network loss', () => {
  it('delays some statements as TCP sends them again, and fails none', { timeout: 120_000 }, async () => {
    await readMs();
    await disturb({ kind: 'network-loss', from: 'backend', to: 'database', share: 0.4 }, 120);
    const times: number[] = [];
    const slow = () => times.filter((ms) => ms >= 200).length;
    // one that is lost six times, which one in 250 is, takes 13 s
    while (times.length < 50 && (slow() < 3 || times.length - slow() < 3)) times.push(await readMs(60_000));
    expect(slow()).toBeGreaterThan(2);
    expect(times.length - slow()).toBeGreaterThan(2);
  });
});

describe('a network cut', () => {
  it('lets nothing pass until it is over, and what was sent then arrives', async () => {
    await readMs();
    const before = await driver.snapshot();
    const what = await disturb({ kind: 'network-cut', from: 'backend', to: 'database' });
    const waiting = ask('/auth/me', 20_000);
    expect((await ask('/auth/me', 1_000)).status).toBe('no answer');
    expect((await ask('/health', 1_000)).status).toBe(200);
    expect(await differences(before)).toEqual(['network']);
    await driver.disturber.calm(what, signal);
    expect(await waiting).toMatchObject({ status: 200 });
    await untilQuickerThan(200);
    expect(await differences(before)).toEqual([]);
  });

  it('from the cache costs two timeouts, and connecting hangs too', async () => {
    const what = await disturb({ kind: 'network-cut', from: 'backend', to: 'cache' });
    const ready = await ask('/ready');
    expect(ready.ms).toBeGreaterThan(1_900);
    expect(ready.body.checks?.redis.status).toBe('degraded');
    await driver.restart('cache', signal);
    await sleep(300);
    expect((await ask('/ready')).body.checks?.redis.status).toBe('degraded');
    await driver.disturber.calm(what, signal);
    await expect
      .poll(async () => (await ask('/ready')).body.checks?.redis.status, { timeout: 120_000 })
      .toBe('ok');
  });

  it('holds back a backend that is started meanwhile, until it is over', async () => {
    const what = await disturb({ kind: 'network-cut', from: 'backend', to: 'database' });
    await driver.restartInstance('backend-1', signal);
    const waiting = ask('/auth/me', 20_000);
    await sleep(500);
    await driver.disturber.calm(what, signal);
    expect(await waiting).toMatchObject({ status: 200 });
  });
});

describe('the mail vendor', () => {
  const delivered = (): { id: string }[] => {
    const file = join(locateSandbox(sandbox.context.stateFolder).folder, deliveredMailFile);
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const queue = (count: number, attempts = 0) =>
    query<{ id: string }>(
      `INSERT INTO email_outbox (to_email, subject, attempts)
       SELECT 'student@students.sandbox.local', 'Your result', $2 FROM generate_series(1, $1) RETURNING id`,
      [count, attempts],
    );
  const rowsOf = (ids: readonly string[]) =>
    query<{ status: string; attempts: number; last_error: string | null }>(
      'SELECT status, attempts, last_error FROM email_outbox WHERE id = ANY ($1) ORDER BY attempts DESC, id',
      [ids],
    );

  it.each([
    ['429', 'the mail vendor answered 429'],
    ['500', 'the mail vendor answered 500'],
    ['timeout', 'no answer in 2000 ms'],
  ] as const)(
    'that answers %s leaves mails queued, and each is delivered once when it is over',
    async (answer, said) => {
      const before = await driver.snapshot();
      const what = await disturb({ kind: 'vendor', answer });
      expect(await differences(before)).toEqual(['mail vendor']);
      const ids = (await queue(3)).map(({ id }) => id);
      const first = async () => (await rowsOf(ids))[0];
      await expect.poll(async () => (await first())?.last_error).toContain(said);
      await sleep(2_500);
      expect((await rowsOf(ids)).map(({ status, attempts }) => [status, attempts])).toEqual([
        ['queued', 1],
        ['queued', 0],
        ['queued', 0],
      ]);
      await driver.disturber.calm(what, signal);
      expect(await differences(before)).toEqual([]);
      const states = async () => (await rowsOf(ids)).map(({ status, attempts }) => [status, attempts]);
      await expect.poll(states).toEqual([
        ['sent', 2],
        ['sent', 1],
        ['sent', 1],
      ]);
      for (const id of ids) expect(delivered().filter((mail) => mail.id === id)).toHaveLength(1);
    },
  );

  it('gets a mail five times and no more', async () => {
    const what = await disturb({ kind: 'vendor', answer: '500' });
    const [mail] = await queue(1, 4);
    const row = async () => (await rowsOf([mail?.id ?? '']))[0];
    await expect.poll(row).toMatchObject({ status: 'failed', attempts: 5 });
    await driver.disturber.calm(what, signal);
    await sleep(2_500);
    expect(delivered().some(({ id }) => id === mail?.id)).toBe(false);
  });

  it('gets nothing while exam mode is on', async () => {
    const examMode = (value: boolean) =>
      query(`UPDATE system_flags SET value = $1 WHERE key = 'EXAM_MODE'`, [value]);
    await examMode(true);
    const ids = (await queue(1)).map(({ id }) => id);
    await sleep(3_000);
    expect(await rowsOf(ids)).toMatchObject([{ status: 'queued', attempts: 0 }]);
    await examMode(false);
    await expect.poll(() => rowsOf(ids)).toMatchObject([{ status: 'sent' }]);
  });
});

describe('helpers', () => {
  it.each([
    [{ kind: 'cpu', service: 'backend', cores: 1 }],
    [{ kind: 'memory', service: 'backend', share: 0.1 }],
  ] as const)('disturb beside the sandbox, and are gone when it is calm again: %j', async (disturbance) => {
    const before = await driver.snapshot();
    const what = await disturb(disturbance);
    expect(await driver.disturber.isDisturbed(what)).toBe(true);
    const mark = `${what.id}@${disturbance.service}`;
    const pids = helpers.find(mark);
    expect(pids).toHaveLength(1);
    await driver.disturber.disturb({ ...what, lifeSeconds: 60 }, signal);
    expect(helpers.find(mark)).toEqual(pids);
    expect(await differences(before)).toEqual(['helpers']);
    await driver.disturber.calm(what, signal);
    expect(await driver.disturber.isDisturbed(what)).toBe(false);
    expect(await differences(before)).toEqual([]);
    await driver.disturber.calm(what, signal);
  });
});

describe('a snapshot', () => {
  it('is equal after a restart and after a worker was replaced, and tells a changed variable', async () => {
    const before = await driver.snapshot();
    await driver.restart('backend', signal);
    await driver.killWorker('backend', signal);
    expect(await differences(before)).toContain('backend-1 state');
    await driver.start('backend', signal);
    expect(await differences(before)).toEqual([]);
    await driver.setVariable('backend', 'EXAM_MODE', 'secret value', signal);
    expect(await differences(before)).toEqual(['backend-1 variables', 'backend env file']);
    expect(JSON.stringify(await driver.snapshot())).not.toContain('secret value');
    await driver.setVariable('backend', 'EXAM_MODE', undefined, signal);
    expect(await differences(before)).toEqual([]);
  });

  it('tells a switched job and a stopped service', async () => {
    const before = await driver.snapshot();
    await driver.setJobsEnabled(false, ['revision_queue_regen'], signal);
    await driver.stop('worker', signal);
    expect(await differences(before)).toEqual(['jobs-1 state', 'background jobs']);
    await driver.start('worker', signal);
    await driver.setJobsEnabled(true, ['revision_queue_regen'], signal);
    expect(await differences(before)).toEqual([]);
  });
});

describe('what is possible', () => {
  const possibility = (asked: Parameters<Driver['disturber']['possibility']>[0]) =>
    driver.disturber.possibility(asked);

  it('says how', async () => {
    const all = [
      { kind: 'pause', service: 'database' },
      { kind: 'worker-kill', service: 'backend' },
      { kind: 'network-cut', from: 'backend', to: 'database' },
      { kind: 'network-loss', from: 'backend', to: 'cache', share: 0.1 },
      { kind: 'network-delay', from: 'worker', to: 'database', milliseconds: 10 },
      { kind: 'cpu', service: 'backend', cores: 2 },
      { kind: 'memory', service: 'backend', share: 0.5 },
      { kind: 'vendor', answer: '429' },
    ] as const;
    for (const asked of all) expect(await possibility(asked)).toMatchObject({ possible: true });
    const memory = await possibility({ kind: 'memory', service: 'backend', share: 1 });
    const mebibytes = Number(/holds (\d+) MiB/.exec('how' in memory ? memory.how : '')?.[1]);
    expect(mebibytes).toBeGreaterThan(0);
    expect(mebibytes).toBeLessThanOrEqual(512);
  });

  it('says why not, and nothing is done then', async () => {
    const why = async (asked: Parameters<typeof possibility>[0]) => {
      const answer = await possibility(asked);
      return answer.possible ? 'possible' : answer.why;
    };
    const disk = { kind: 'disk', service: 'database', path: '' } as const;
    expect(await why(disk)).toContain('never filled');
    expect(await why({ kind: 'network-cut', from: 'edge', to: 'backend' })).toContain('not edge -> backend');
    expect(await why({ kind: 'pause', service: 'frontend' })).toContain('no service "frontend"');
    expect(await why({ kind: 'worker-kill', service: 'database' })).toContain('no worker processes');
    await driver.stop('worker', signal);
    expect(await why({ kind: 'vendor', answer: '500' })).toBe('jobs-1 does not run');
    await driver.start('worker', signal);
    await expect(disturb(disk)).rejects.toThrow(Undetermined);
    open.length = 0;
  });
});

/** Last, as these end the sandbox. */
describe('when the sandbox ends', () => {
  it('while the supervisor was killed and services are paused, nothing is left', async () => {
    const state = sandbox.processes();
    const family = childrenOf(pidOf(state, 'database-1'));
    for (const service of ['database', 'backend', 'worker'] as const) await driver.pause(service, signal);
    process.kill(state.supervisor.pid, 'SIGKILL');
    await expect.poll(() => isAlive(state.supervisor)).toBe(false);
    expect(processStat(pidOf(state, 'backend-1'))?.state).toBe('T');
    await up(sandbox.context);
    expect(state.parts.filter(isAlive)).toEqual([]);
    expect(statesOf(family)).toEqual(family.map(() => undefined));
    access = openSandbox(sandbox.context.stateFolder);
    await untilQuickerThan(5_000);
  });

  it('while services are paused and a link is cut, it goes down in order and without a wait', async () => {
    const what = await disturb({ kind: 'network-cut', from: 'backend', to: 'database' });
    const cpu = await disturb({ kind: 'cpu', service: 'backend', cores: 1 });
    const { parts } = sandbox.processes();
    for (const service of ['database', 'cache', 'edge'] as const) await driver.pause(service, signal);
    await down(sandbox.context);
    expect(parts.filter(isAlive)).toEqual([]);

    expect(await driver.disturber.isDisturbed(what)).toBe(false);
    await driver.disturber.calm(what, signal);
    await driver.disturber.calm(cpu, signal);
    expect(helpers.find()).toEqual([]);
    expect(await driver.disturber.possibility({ kind: 'vendor', answer: '500' })).toMatchObject({
      possible: false,
    });
    await expect(disturb(what.disturbance)).rejects.toThrow('not running');
  });
});
