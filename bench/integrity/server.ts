import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/adapters/ports.ts';
import { cacheFolder } from '../../src/adapters/state-folder.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { exitCodeOf } from '../../src/sandbox/child.ts';
import {
  databaseUrl,
  postgresBinaries,
  probePostgres,
  serverEnvironment,
  untilAnswering,
} from '../../src/sandbox/postgres.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';

export type Settings = Readonly<Record<string, string | number>>;

/** What a server is as installed, and what somebody who read one page about tuning makes of it. */
export const serverSettings = {
  stock: {},
  tuned: {
    shared_buffers: '2GB',
    effective_cache_size: '6GB',
    work_mem: '64MB',
    maintenance_work_mem: '512MB',
    max_wal_size: '8GB',
    random_page_cost: 1.1,
  },
} as const satisfies Record<string, Settings>;

export type SettingsName = keyof typeof serverSettings;

/** Nothing survives a crash while these hold, and nothing needs to: a half-made database is thrown away. */
export const generatingSettings: Settings = {
  ...serverSettings.tuned,
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
  autovacuum: 'off',
};

export interface RunningServer {
  readonly url: (database: string) => string;
  stop(): Promise<void>;
}

export function benchCache(): string {
  return makeServicesCache(cacheFolder(process.env), serverAccount());
}

/** A child of this process: Ctrl-C reaches it too, and is its clean, fast shutdown. */
export async function startServer(
  folder: string,
  { password, settings }: { readonly password: string; readonly settings: Settings },
): Promise<RunningServer> {
  const account = serverAccount();
  const binaries = await postgresBinaries(benchCache(), account);
  const [port = 0] = await freePorts(1);
  const dataFolder = join(folder, 'data');
  const logFile = join(folder, 'postgres.log');
  const log = openSync(logFile, 'a', 0o600);
  const all = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    timezone: 'UTC',
    ...settings,
  };
  const child = spawn(
    join(binaries.folder, 'bin/postgres'),
    ['-D', dataFolder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...account, cwd: dataFolder, env: serverEnvironment(), stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const ended = exitCodeOf(child);
  ended.catch(() => undefined);
  process.once('exit', () => child.kill('SIGINT'));
  try {
    await untilAnswering(() => probePostgres(databaseUrl(port, password, 'postgres'), 2_000), {
      child,
      milliseconds: 60_000,
      signal: new AbortController().signal,
    });
  } catch (error) {
    child.kill('SIGINT');
    await ended;
    throw new Error(
      `PostgreSQL did not start; its log ends:\n${readFileSync(logFile, 'utf8').slice(-1_000)}`,
      {
        cause: error,
      },
    );
  }
  return {
    url: (database) => databaseUrl(port, password, database),
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}
