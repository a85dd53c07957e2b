import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, readProcFile } from '../../src/adapters/processes.ts';
import {
  Interrupted,
  OperationFailed,
  Refused,
  Undetermined,
  UsageError,
} from '../../src/lifecycle/errors.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { readSandboxConfig } from '../../src/sandbox/config.ts';
import { breakWith, mend } from '../../src/sandbox/defect-switch.ts';
import { locateSandbox, logFile } from '../../src/sandbox/folder.ts';
import { sandboxLogs } from '../../src/sandbox/logs.ts';
import { down, reset, up } from '../../src/sandbox/sandbox.ts';
import { status } from '../../src/sandbox/status.ts';
import { pidOf, type TestSandbox, testSandbox } from '../support/sandbox.ts';

const options = { students: 20 };

describe('a sandbox that is up', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
  });
  afterAll(() => sandbox.remove());

  it('answers through the edge with a database and a cache', async () => {
    const { url } = await status(sandbox.context);
    const answer = await (await fetch(`${url}/ready`)).json();
    expect(answer).toMatchObject({ status: 'ok', checks: { db: { status: 'ok' }, redis: { status: 'ok' } } });
  });

  it('has the students that were asked for', async () => {
    const { rows } = await query(
      sandbox,
      `SELECT count(*)::int AS students FROM users WHERE role = 'STUDENT'`,
    );
    expect(rows).toEqual([{ students: 20 }]);
  });

  it('says that it is up already, whatever is asked for without options', async () => {
    const before = sandbox.processes();
    expect(await up(sandbox.context)).toMatchObject({ outcome: 'already-up', options: { students: 20 } });
    expect(sandbox.processes().parts).toEqual(before.parts);
  });

  it('refuses other options and names the way to them', async () => {
    const attempt = up(sandbox.context, { students: 30 });
    await expect(attempt).rejects.toThrow(Refused);
    await expect(attempt).rejects.toThrow('students 20, not 30');
    await expect(attempt).rejects.toHaveProperty('hint', expect.stringContaining('examctl sandbox down'));
  });

  it.each(['backend-1', 'cache-1', 'database-1', 'edge-1', 'jobs-1'])(
    'starts %s again when it is killed, and tells so',
    async (id) => {
      const before = await partOf(sandbox, id);
      process.kill(pidOf(sandbox.processes(), id), 'SIGKILL');
      const after = await until(
        sandbox,
        id,
        ({ restarts, state }) => restarts > before.restarts && state === 'running',
      );
      expect(after.pid).not.toBe(before.pid);
      expect(after.lastRestarts.at(-1)).toMatchObject({ cause: 'SIGKILL' });
    },
  );

  it('keeps its passwords from everyone but the user', async () => {
    const { folder } = locateSandbox(sandbox.context.stateFolder);
    const { databaseUrl, redisUrl } = readSandboxConfig(join(folder, 'config.json'));
    for (const url of [databaseUrl, redisUrl]) expect(new URL(url).password.length).toBeGreaterThan(30);
    const wrong = new pg.Client({ connectionString: databaseUrl.replace(/:[0-9a-f]+@/, ':wrong@') });
    await expect(wrong.connect()).rejects.toHaveProperty('code', '28P01');
    const commandLines = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readProcFile(`/proc/${pid}/cmdline`) ?? '');
    for (const url of [databaseUrl, redisUrl]) {
      expect(commandLines.filter((line) => line.includes(new URL(url).password))).toEqual([]);
    }
  });

  it('switches a defect on and off', async () => {
    const broken = await breakWith(sandbox.context, 'slow-queries');
    expect(broken.defects.filter(({ on }) => on).map(({ id }) => id)).toEqual(['slow-queries']);
    expect((await status(sandbox.context)).defects).toEqual(['slow-queries']);
    await breakWith(sandbox.context, 'server-errors');
    await mend(sandbox.context, 'slow-queries');
    expect((await status(sandbox.context)).defects).toEqual(['server-errors']);
    await mend(sandbox.context, 'all');
    expect((await status(sandbox.context)).defects).toEqual([]);
  });

  it('names the nearest defect when one is misspelt', async () => {
    const attempt = breakWith(sandbox.context, 'lost-answer');
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toHaveProperty(
      'hint',
      expect.stringContaining('did you mean "lost-answers"'),
    );
  });

  it('lets a worker become ready that a defect kept from it', async () => {
    await breakWith(sandbox.context, 'slow-restart');
    const { pid } = await partOf(sandbox, 'backend-2');
    process.kill(pidOf(sandbox.processes(), 'backend-2'), 'SIGKILL');
    const stuck = await until(
      sandbox,
      'backend-2',
      (part) => part.pid !== undefined && part.pid !== pid && /503/.test(part.detail ?? ''),
    );
    expect(stuck.state).not.toBe('running');
    await mend(sandbox.context, 'all');
    await until(sandbox, 'backend-2', ({ state }) => state === 'running');
  });

  it('replaces a worker that does not recover when everything is mended', async () => {
    const { pid = 0 } = await partOf(sandbox, 'backend-1');
    process.kill(pid, 'SIGSTOP');
    expect(await mend(sandbox.context, 'all')).toMatchObject({ restarted: ['backend-1'] });
    await until(sandbox, 'backend-1', (part) => part.state === 'running' && part.pid !== pid);
  });

  it('shows the log of an instance, and follows it', async () => {
    const { stateFolder } = sandbox.context;
    const abort = new AbortController();
    const since = new Date();
    const { url } = await status(sandbox.context);
    setTimeout(() => void fetch(`${url}/auth/me`), 300);
    const seen: string[] = [];
    const options = { since, follow: true, signal: abort.signal };
    for await (const { text } of sandboxLogs(stateFolder, 'backend', options)) {
      seen.push(text);
      if (text.includes('/auth/me')) abort.abort();
    }
    expect(seen.some((text) => text.includes('/auth/me'))).toBe(true);
    expect(() => sandboxLogs(stateFolder, 'bakend', {})).toThrow(UsageError);
  });
});

describe('the life of a sandbox', () => {
  let sandbox: TestSandbox;
  afterEach(() => sandbox.remove());

  it('leaves no process, no socket and no file when it is taken down', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    const { supervisor, parts, socket } = sandbox.processes();
    const { folder } = locateSandbox(sandbox.context.stateFolder);
    expect([supervisor, ...parts].every(isAlive)).toBe(true);
    expect(await down(sandbox.context)).toEqual({ outcome: 'removed', folder });
    expect([supervisor, ...parts].filter(isAlive)).toEqual([]);
    expect([socket, dirname(socket), folder].filter(existsSync)).toEqual([]);
    expect(readdirSync(sandbox.context.stateFolder)).toEqual([]);
    expect(await down(sandbox.context)).toMatchObject({ outcome: 'nothing-there' });
    expect(await status(sandbox.context)).toMatchObject({ state: 'absent', parts: [] });
  });

  it('lies elsewhere when the account of its servers cannot reach the state folder, and leaves nothing there', async ({
    skip,
  }) => {
    skip(serverAccount() === undefined, 'the servers run as the user, who can reach it');
    const closed = mkdtempSync(join(tmpdir(), 'examctl-test-state-'));
    sandbox = testSandbox(closed);
    const { folder } = await up(sandbox.context, options);
    expect(folder?.startsWith(closed)).toBe(false);
    expect(await down(sandbox.context)).toEqual({ outcome: 'removed', folder });
    expect(existsSync(folder ?? '')).toBe(false);
    expect(readdirSync(closed)).toEqual([]);
  });

  it('keeps its data over down and up when it is asked to, and drops them on reset', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    await markData(sandbox);
    await down(sandbox.context, { keep: true });
    expect(await status(sandbox.context)).toMatchObject({ state: 'kept', parts: [] });
    await expect(up(sandbox.context, { students: 30 })).rejects.toThrow(Refused);
    expect(await up(sandbox.context, { workers: 1 })).toMatchObject({
      outcome: 'started',
      options: { workers: 1 },
    });
    expect(await isMarked(sandbox)).toBe(true);
    expect(await reset(sandbox.context)).toMatchObject({
      state: 'running',
      options: { students: 20, workers: 1 },
    });
    expect(await isMarked(sandbox)).toBe(false);
  });

  it('says that its supervisor died, and comes up again with its data', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    await markData(sandbox);
    const before = sandbox.processes();
    process.kill(before.supervisor.pid, 'SIGKILL');
    await waitFor(() => !isAlive(before.supervisor));
    expect(await status(sandbox.context)).toMatchObject({ state: 'died' });
    await expect(breakWith(sandbox.context, 'lost-answers')).rejects.toThrow('supervisor died');
    expect(await up(sandbox.context)).toMatchObject({ outcome: 'started' });
    expect(before.parts.filter(isAlive)).toEqual([]);
    expect(await isMarked(sandbox)).toBe(true);
  });

  it('is cleaned up by down when its supervisor died', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    const { supervisor, parts, socket } = sandbox.processes();
    process.kill(supervisor.pid, 'SIGKILL');
    await waitFor(() => !isAlive(supervisor));
    expect(await down(sandbox.context)).toMatchObject({ outcome: 'removed' });
    expect([supervisor, ...parts].filter(isAlive)).toEqual([]);
    expect(existsSync(dirname(socket))).toBe(false);
  });

  it('goes down in order, with its data, when its supervisor is terminated', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    const { supervisor, parts } = sandbox.processes();
    process.kill(supervisor.pid, 'SIGTERM');
    await waitFor(() => !isAlive(supervisor));
    expect(parts.filter(isAlive)).toEqual([]);
    expect(await status(sandbox.context)).toMatchObject({ state: 'kept' });
  });

  it('is brought up by one of two commands that do it at the same time', async () => {
    sandbox = testSandbox();
    const reports = await Promise.all([up(sandbox.context, options), up(sandbox.context, options)]);
    expect(reports.map(({ outcome }) => outcome).sort()).toEqual(['already-up', 'started']);
    expect(sandbox.progress.some((message) => message.startsWith('waiting for process'))).toBe(true);
  });

  it('leaves nothing behind when up is interrupted', async () => {
    sandbox = testSandbox();
    const abort = new AbortController();
    const running = up({ ...sandbox.withSignal(abort.signal) }, options);
    const failed = expect(running).rejects.toThrow(Interrupted);
    await waitFor(() => sandbox.progress.some((message) => message.startsWith('starting backend')));
    const { supervisor, parts } = sandbox.processes();
    abort.abort(new Interrupted('SIGINT'));
    await failed;
    expect([supervisor, ...parts].filter(isAlive)).toEqual([]);
    expect(readdirSync(sandbox.context.stateFolder)).toEqual([]);
  });

  it('takes a folder that an up left half-made for no sandbox, and makes it anew', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    await down(sandbox.context, { keep: true });
    const { config } = locateSandbox(sandbox.context.stateFolder);
    rmSync(config);
    expect(await up(sandbox.context, options)).toMatchObject({ outcome: 'started' });
  });

  it('shows what PostgreSQL said when it does not start, and takes everything down', async () => {
    sandbox = testSandbox();
    await up(sandbox.context, options);
    await down(sandbox.context, { keep: true });
    const files = locateSandbox(sandbox.context.stateFolder);
    rmSync(join(files.postgres, 'global/pg_control'));
    const attempt = up(sandbox.context);
    await expect(attempt).rejects.toThrow(OperationFailed);
    await expect(attempt).rejects.toThrow(/database-1 does not start[\s\S]*pg_control/);
    expect(existsSync(files.state)).toBe(false);
    expect(existsSync(logFile(files, 'database-1'))).toBe(true);
  });

  it('names the configured Redis server when it cannot be executed, and leaves nothing', async () => {
    sandbox = testSandbox();
    const attempt = up({ ...sandbox.context, redisServer: '/no/such/redis-server' }, options);
    await expect(attempt).rejects.toThrow(Undetermined);
    await expect(attempt).rejects.toThrow('/no/such/redis-server');
    expect(readdirSync(sandbox.context.stateFolder)).toEqual([]);
  });

  it('takes other ports when one of its own was taken while it was down', async () => {
    sandbox = testSandbox();
    const { ports } = await up(sandbox.context, options);
    await down(sandbox.context, { keep: true });
    const thief = createServer();
    await new Promise<void>((resolve) => thief.listen(ports?.edge ?? 0, '127.0.0.1', resolve));
    try {
      expect(await up(sandbox.context)).toMatchObject({ outcome: 'started' });
      expect((await status(sandbox.context)).ports?.edge).not.toBe(ports?.edge);
    } finally {
      thief.close();
    }
  });

  it('refuses nonsense before it does anything', async () => {
    sandbox = testSandbox();
    await expect(up(sandbox.context, { workers: 9 })).rejects.toThrow(UsageError);
    await expect(up(sandbox.context, { basePath: 'v1' })).rejects.toThrow(UsageError);
    await expect(reset(sandbox.context)).rejects.toThrow(Undetermined);
    expect(readdirSync(sandbox.context.stateFolder)).toEqual([]);
  });
});

function query({ context }: TestSandbox, text: string): Promise<pg.QueryResult> {
  return withClient(context.stateFolder, (client) => client.query(text));
}

async function withClient<T>(stateFolder: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const { databaseUrl } = readSandboxConfig(locateSandbox(stateFolder).config);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function markData(sandbox: TestSandbox): Promise<void> {
  await query(sandbox, `UPDATE system_flags SET reason = 'marked' WHERE key = 'EXAM_MODE'`);
}

async function isMarked(sandbox: TestSandbox): Promise<boolean> {
  const { rows } = await query(sandbox, `SELECT 1 FROM system_flags WHERE reason = 'marked'`);
  return rows.length === 1;
}

async function partOf({ context }: TestSandbox, id: string) {
  const part = (await status(context)).parts.find((candidate) => candidate.id === id);
  if (part === undefined) throw new Error(`there is no ${id}`);
  return part;
}

type Part = Awaited<ReturnType<typeof partOf>>;

async function until(sandbox: TestSandbox, id: string, holds: (part: Part) => boolean): Promise<Part> {
  let part = await partOf(sandbox, id);
  const look = async () => {
    part = await partOf(sandbox, id);
    return holds(part) || part;
  };
  await expect.poll(look).toBe(true);
  return part;
}

async function waitFor(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { interval: 20 }).toBe(true);
}
