import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../src/adapters/ports.ts';
import { messageOf } from '../../src/lifecycle/errors.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { ownServers, removeAbandoned } from '../../src/sandbox/owned-servers.ts';
import {
  makeServerFolder,
  probePostgres,
  serverEnvironment,
  untilAnswering,
  writeServerFile,
} from '../../src/sandbox/postgres.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';
import { testCacheFolder } from '../support/services.ts';

const run = promisify(execFile);
const prefix = `examctl-pgbouncer-${process.getuid?.()}-`;

interface Pgbouncer {
  readonly file: string;
  readonly libraries: string;
}

/** Debian's PgBouncer, downloaded and unpacked once; a text says why there is none. */
export async function findPgbouncer(): Promise<Pgbouncer | string> {
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get to get PgBouncer with';
  const folder = join(makeServicesCache(testCacheFolder(), serverAccount()), `pgbouncer-${process.arch}`);
  if (!existsSync(folder)) {
    const draft = `${folder}.${process.pid}`;
    try {
      mkdirSync(draft, { mode: 0o755 });
      await unpackPackages(draft);
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      return `PgBouncer could not be downloaded: ${messageOf(error)}`;
    }
  }
  const libraries = readdirSync(join(folder, 'usr/lib')).map((name) => join(folder, 'usr/lib', name));
  return { file: join(folder, 'usr/sbin/pgbouncer'), libraries: libraries.join(':') };
}

/** With the libraries that this machine lacks, as the package manager resolves them. */
async function unpackPackages(folder: string): Promise<void> {
  const apt = (...args: string[]) =>
    run('apt-get', args, { cwd: folder, env: { ...process.env, LC_ALL: 'C' } });
  const { stdout } = await apt('install', '--simulate', '--yes', '--no-install-recommends', 'pgbouncer');
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
  await apt('download', ...new Set([...missing, 'pgbouncer']));
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg-deb', ['--extract', join(folder, file), folder]);
  }
}

/** A pooler in transaction mode before the database; `poolSize` connections to the server for all clients. */
export async function startPgbouncer({ file, libraries }: Pgbouncer, databaseUrl: string, poolSize: number) {
  await removeAbandoned(tmpdir(), (name) => name.startsWith(prefix));
  const account = serverAccount();
  const server = new URL(databaseUrl);
  const [port = 0] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), prefix));
  await chmod(folder, 0o711);
  const owned = ownServers(folder);
  const home = join(folder, 'pgbouncer');
  makeServerFolder(home, account);
  const config = join(home, 'pgbouncer.ini');
  writeServerFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username} password=${server.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
`,
    account,
  );
  const log = openSync(join(folder, 'log'), 'a', 0o600);
  const child = spawn(file, [config], {
    ...account,
    cwd: home,
    env: { ...serverEnvironment(), LD_LIBRARY_PATH: libraries },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  owned.add(child.pid);
  const url = new URL(databaseUrl);
  url.port = String(port);
  const { signal } = new AbortController();
  try {
    await untilAnswering(() => probePostgres(url.href, 2_000), { child, milliseconds: 10_000, signal });
  } catch (error) {
    const said = readFileSync(join(folder, 'log'), 'utf8').slice(-2_000);
    await owned.remove();
    throw new Error(`PgBouncer did not start; its log ends:\n${said}`, { cause: error });
  }
  return {
    url: url.href,
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    stop: owned.remove,
  };
}
