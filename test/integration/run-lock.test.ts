import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditAnchorsIn } from '../../src/adapters/audit-anchors.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { lifeOf, runProcess } from '../../src/adapters/processes.ts';
import { runLockInFile } from '../../src/adapters/run-lock-file.ts';
import { runLockInPostgres } from '../../src/adapters/run-lock-postgres.ts';
import { runLocks } from '../../src/adapters/run-locks.ts';
import { Refused, Undetermined } from '../../src/lifecycle/errors.ts';
import {
  type HeldLock,
  heartbeatMilliseconds,
  type LockHolder,
  leaseMilliseconds,
  type RunLocks,
  type RunProcess,
} from '../../src/lifecycle/run-lock.ts';
import { startTestServices, type TestServices } from '../support/services.ts';
import { withClient } from './check-database.ts';

let services: TestServices;
let state: string;
/** an environment that no other test has used */
let name: string;
let tests = 0;
let held: HeldLock[];

beforeAll(async () => {
  services = await startTestServices();
  await sql(`CREATE ROLE limited LOGIN PASSWORD 'limited'`);
});
afterAll(() => services?.stop());

beforeEach(async () => {
  await sql('DROP SCHEMA IF EXISTS examctl CASCADE');
  state = mkdtempSync(join(tmpdir(), 'examctl-run-lock-'));
  tests += 1;
  name = `environment-${tests}`;
  held = [];
});
afterEach(async () => {
  // ends their heartbeats
  await Promise.allSettled(held.map((lock) => lock.release()));
  rmSync(state, { recursive: true, force: true });
});

const holder = (run: string, more: Partial<LockHolder> = {}): LockHolder => ({
  run,
  actor: 'ada',
  host: 'laptop-1',
  pid: process.pid,
  operation: 'fault inject redis-outage',
  reason: null,
  ...more,
});

const inDatabase = (url = services.databaseUrl) => runLockInPostgres({ withPostgres: openPostgres(url) });
const anywhere = (url = services.databaseUrl) => runLocks(inDatabase(url), runLockInFile(state, name));

async function take(locks: RunLocks, ...how: Parameters<RunLocks['acquire']>): Promise<HeldLock> {
  const lock = await locks.acquire(...how);
  held.push(lock);
  return lock;
}

const sql = (text: string) => withClient(services.databaseUrl, (client) => client.query(text));
/** as if the holder had not beaten for the whole of its lease */
const expire = () => sql(`UPDATE examctl.run_lock SET expires_at = now() - interval '1 s'`);

/** a second operator's login */
const limited = () => {
  const url = new URL(services.databaseUrl);
  url.username = 'limited';
  url.password = 'limited';
  return url.href;
};

describe('the run lock in the database', () => {
  it('is taken once, and whoever comes second is told who holds it, for what and why', async () => {
    await take(inDatabase(), holder('run-a', { reason: 'the drill of May' }));
    const second = inDatabase().acquire(holder('run-b', { actor: 'bob', host: 'laptop-2' }));
    await expect(second).rejects.toBeInstanceOf(Refused);
    await expect(second).rejects.toThrow(
      /^ada@laptop-1 \(process \d+\) .* fault inject redis-outage \("the drill of May"\), run run-a$/,
    );
    await expect(second).rejects.toMatchObject({ hint: expect.stringContaining('examctl runs unlock') });
  });

  it('is of the database, under whatever name somebody has it', async () => {
    await take(anywhere(), holder('run-a'));
    name = `${name}-other`;
    await expect(anywhere().acquire(holder('run-b'))).rejects.toThrow(/run run-a/);
  });

  it('can be seen, with its holder and the end of its lease', async () => {
    expect(await inDatabase().current()).toBeNull();
    await take(inDatabase(), holder('run-a'));
    const current = await inDatabase().current();
    expect(current).toMatchObject({ holder: holder('run-a'), epoch: 1, where: 'database', expired: false });
    const lease = Date.parse(current?.expiresAt ?? '') - Date.parse(current?.acquiredAt ?? '');
    expect(lease).toBe(leaseMilliseconds);
  });

  it('is free again after its release', async () => {
    const first = await take(inDatabase(), holder('run-a'));
    await first.release();
    expect(await inDatabase().current()).toBeNull();
    expect(await take(inDatabase(), holder('run-b'))).toMatchObject({ epoch: 2 });
  });

  it('goes to the next with a higher epoch once its lease has expired, and the first one knows', async () => {
    const first = await take(inDatabase(), holder('run-a'));
    await expire();
    expect(await inDatabase().current()).toMatchObject({ expired: true });
    const second = await take(inDatabase(), holder('run-b'));
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(await first.stillHeld()).toBe(false);
    expect(await second.stillHeld()).toBe(true);
  });

  it('stays with the second when the first, late, releases it', async () => {
    const first = await take(inDatabase(), holder('run-a'));
    await expire();
    await take(inDatabase(), holder('run-b'));
    await first.release();
    expect(await inDatabase().current()).toMatchObject({ holder: { run: 'run-b' }, expired: false });
  });

  it('is kept by heartbeats, without anybody asking', async () => {
    await take(inDatabase(), holder('run-a'));
    const before = Date.parse((await inDatabase().current())?.expiresAt ?? '');
    await sleep(heartbeatMilliseconds + 1_000);
    const after = Date.parse((await inDatabase().current())?.expiresAt ?? '');
    expect(after - before).toBeGreaterThan(heartbeatMilliseconds - 500);
  });

  it('is not lost while the database cannot be asked', async () => {
    let isThere = true;
    const open = openPostgres(services.databaseUrl);
    const [nobody = 0] = await freePorts(1);
    const gone = openPostgres(`postgres://nobody@127.0.0.1:${nobody}/none`);
    const lock = await take(
      runLockInPostgres({ withPostgres: (use, options) => (isThere ? open : gone)(use, options) }),
      holder('run-a'),
    );
    isThere = false;
    expect(await lock.stillHeld()).toBe(true);
    isThere = true;
    expect(await lock.stillHeld()).toBe(true);
  });

  it('may be taken from the run that is being recovered, and from no other', async () => {
    await take(inDatabase(), holder('run-dead'));
    const recover = holder('recover-1', { operation: 'recover' });
    await expect(inDatabase().acquire(recover, { takeOverFrom: 'run-other' })).rejects.toThrow(/run-dead/);
    expect(await take(inDatabase(), recover, { takeOverFrom: 'run-dead' })).toMatchObject({ epoch: 2 });
  });

  it('can be released by a person, who is told whose it was', async () => {
    const lock = await take(inDatabase(), holder('run-a'));
    expect(await inDatabase().forceRelease('run-b')).toBeNull();
    expect(await inDatabase().current()).toMatchObject({ holder: { run: 'run-a' } });
    expect(await inDatabase().forceRelease()).toMatchObject({ holder: { run: 'run-a', actor: 'ada' } });
    expect(await inDatabase().current()).toBeNull();
    expect(await inDatabase().forceRelease()).toBeNull();
    expect(await lock.stillHeld()).toBe(false);
  });
});

describe('the lease of a holder that died on this host', () => {
  /** a process that lives, and how to end it */
  function someProcess() {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    const gone = once(child, 'exit');
    return {
      pid: child.pid ?? 0,
      end: async () => {
        child.kill('SIGKILL');
        await gone;
      },
    };
  }

  /** as if another process than this one had taken it */
  async function takenBy(locks: RunLocks, pid: number) {
    const lock = await take(locks, holder('run-a'));
    const processes = JSON.stringify([runProcess(pid)]);
    if (lock.where === 'database') {
      await sql(`UPDATE examctl.run_lock SET holder = jsonb_set(holder, '{processes}', '${processes}')`);
    } else {
      const file = join(state, 'locks', `${name}.json`);
      const content = JSON.parse(readFileSync(file, 'utf8'));
      content.holder.processes = JSON.parse(processes);
      writeFileSync(file, JSON.stringify(content));
    }
    return lock;
  }

  const places = [
    ['database', () => inDatabase()],
    ['file', () => runLockInFile(state, name)],
  ] as const;

  it.each(places)('in the %s is void at once', async (_, open) => {
    const run = someProcess();
    await takenBy(open(), run.pid);
    await expect(open().acquire(holder('run-b'))).rejects.toThrow(/run run-a/);
    await run.end();
    expect(await open().current()).toMatchObject({ holder: { run: 'run-a' }, expired: true });
    expect(await take(open(), holder('run-b'))).toMatchObject({ epoch: 2 });
  });

  it.each(places)('in the %s holds as long as the guardian of its run lives', async (_, open) => {
    const guardian = someProcess();
    const lock = await take(open(), holder('run-a'));
    await lock.joinedBy(guardian.pid);
    const state = await open().current();
    expect(state?.holder.processes?.map(({ pid }) => pid)).toEqual([process.pid, guardian.pid]);
    await guardian.end();
    expect(await open().current()).toMatchObject({ expired: false });
  });

  it('in another container, where the same id is that of another process, is not judged from here', async () => {
    const elsewhere = { ...(runProcess(process.pid) as RunProcess), startTime: 'x', namespace: 'pid:[1]' };
    expect(lifeOf(elsewhere)).toBe('elsewhere');
    expect(lifeOf({ ...elsewhere, namespace: runProcess(process.pid)?.namespace ?? null })).toBe('gone');
  });
});

describe('two operators at the same moment', () => {
  const race = async () => {
    const results = await Promise.allSettled([
      take(anywhere(), holder('run-a')),
      take(anywhere(), holder('run-b')),
    ]);
    const lost = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(lost).toHaveLength(1);
    expect(lost[0]).toBeInstanceOf(Refused);
    const [won] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won?.where).toBe('database');
    return won;
  };

  it('are one winner and one who is refused, in 20 rounds of 20', async () => {
    for (let round = 1; round <= 20; round += 1) {
      const won = await race();
      expect(won?.epoch).toBe(round);
      await won?.release();
    }
  });

  it('are that also when neither finds the table', { timeout: 120_000 }, async () => {
    for (let round = 1; round <= 10; round += 1) {
      await sql('DROP SCHEMA IF EXISTS examctl CASCADE');
      await (await race())?.release();
    }
  });
});

describe('a database user without the right to create', () => {
  it('falls back to the file lock, and says why', async () => {
    const lock = await take(anywhere(limited()), holder('run-a'));
    expect(lock).toMatchObject({ where: 'file', why: expect.stringMatching(/may not create the schema/) });
    await expect(anywhere(limited()).acquire(holder('run-b'))).rejects.toThrow(/run run-a/);
  });

  it('has the lock in the database once the schema has been made for it, as the hint says', async () => {
    const refused = await inDatabase(limited())
      .acquire(holder('run-a'))
      .catch((error: { hint: string }) => error.hint);
    const statement = /CREATE SCHEMA .*/.exec(String(refused))?.[0] ?? '';
    await sql(statement.replace('<user>', 'limited'));
    expect(await take(anywhere(limited()), holder('run-a'))).toMatchObject({ where: 'database' });
  });

  it('does not go on beside a lock that it may not see, and is told the missing right', async () => {
    await take(inDatabase(), holder('run-0'));
    const refused = await anywhere(limited())
      .acquire(holder('run-a'))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    const { hint = '' } = refused as Refused;
    await sql(hint.replace(/^.*?: /, ''));
    await expect(anywhere(limited()).acquire(holder('run-a'))).rejects.toThrow(/run run-0/);
  });

  it('needs no right to create once the table is there', async () => {
    await (await take(inDatabase(), holder('run-0'))).release();
    await sql('GRANT USAGE ON SCHEMA examctl TO limited; GRANT ALL ON examctl.run_lock TO limited');
    expect(await take(anywhere(limited()), holder('run-a'))).toMatchObject({ where: 'database', epoch: 2 });
  });
});

describe('the anchors of an audit log', () => {
  const anchors = (folder = state, url = services.databaseUrl) =>
    auditAnchorsIn({ withPostgres: openPostgres(url) }, folder);

  it('are read as they were noted, and only those of the same place', async () => {
    expect(await anchors().read()).toEqual([]);
    await anchors().note({ sequence: 1, hash: 'a' });
    await anchors().note({ sequence: 2, hash: 'b' });
    await anchors().note({ sequence: 2, hash: 'b' });
    await anchors('/elsewhere').note({ sequence: 9, hash: 'c' });
    expect(await anchors().read()).toMatchObject([
      { sequence: 1, hash: 'a' },
      { sequence: 2, hash: 'b' },
    ]);
  });

  it('are not said to be none by who may not read them', async () => {
    await anchors().note({ sequence: 1, hash: 'a' });
    await expect(anchors(state, limited()).read()).rejects.toBeInstanceOf(Undetermined);
  });
});

describe('a database that takes no writes', () => {
  afterEach(() => sql('ALTER ROLE limited RESET default_transaction_read_only'));

  it('leaves the file lock, which says so', async () => {
    await sql('ALTER ROLE limited SET default_transaction_read_only = on');
    expect(await take(anywhere(limited()), holder('run-a'))).toMatchObject({
      where: 'file',
      why: expect.stringMatching(/takes no writes: .*\(25006\)/),
    });
  });

  it('in the middle of a run does not take its lease away', async () => {
    await sql('CREATE SCHEMA examctl AUTHORIZATION limited');
    const lock = await take(inDatabase(limited()), holder('run-a'));
    await sql('ALTER ROLE limited SET default_transaction_read_only = on');
    expect(await lock.stillHeld()).toBe(true);
  });
});

describe('a database that cannot be reached', () => {
  const unreachable = async () => {
    const [port = 0] = await freePorts(1);
    return `postgres://nobody@127.0.0.1:${port}/none`;
  };

  it('leaves the file lock, which says why, names its holder and is released', async () => {
    const url = await unreachable();
    const lock = await take(anywhere(url), holder('run-a'));
    expect(lock).toMatchObject({
      where: 'file',
      epoch: 1,
      why: expect.stringContaining('cannot be reached'),
    });
    expect(await anywhere(url).current()).toMatchObject({ where: 'file', holder: { run: 'run-a' } });
    await expect(anywhere(url).acquire(holder('run-b'))).rejects.toThrow(/ada@laptop-1 .*run run-a/);
    await lock.release();
    expect(await take(anywhere(url), holder('run-b'))).toMatchObject({ where: 'file' });
  });

  it('does not let a second operator of this host in when it comes back', async () => {
    await take(anywhere(await unreachable()), holder('run-a'));
    await expect(anywhere().acquire(holder('run-b'))).rejects.toThrow(/run run-a/);
  });

  it('leaves a file that, once its holder is dead, does not hide who has the lease since', async () => {
    await take(anywhere(await unreachable()), holder('run-a'));
    const file = join(state, 'locks', `${name}.json`);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    // the pid is another process's by now
    const processes = [{ ...content.holder.processes[0], startTime: 'another' }];
    writeFileSync(file, JSON.stringify({ ...content, holder: { ...content.holder, processes } }));
    expect(await anywhere().current()).toMatchObject({ expired: true, where: 'file' });
    await take(anywhere(), holder('run-b'));
    expect(await anywhere().current()).toMatchObject({ holder: { run: 'run-b' }, expired: false });
  });
});
