import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';
import { type Account, isTraversable } from './account.ts';
import { serverEnvironment, writeServerFile } from './postgres.ts';
import { unpackRedisPackage } from './redis-package.ts';

export interface RedisBinary {
  readonly file: string;
  /** LD_LIBRARY_PATH, for a package that was unpacked and not installed */
  readonly libraries?: string;
}

/** The configured program, else one of the PATH, else the distribution's package, unpacked into the cache. */
export async function findRedis(options: {
  readonly configured?: string | undefined;
  readonly cacheFolder: string;
  readonly account: Account | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}): Promise<RedisBinary> {
  const { configured, account } = options;
  if (configured !== undefined) {
    if (isExecutable(configured, account)) return { file: configured };
    throw new Undetermined(`the configured Redis server ${configured} cannot be executed`, {
      hint: 'correct REDIS_SERVER_BIN, or unset it: then redis-server of the PATH is used',
    });
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = ['redis-server', 'valkey-server'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  const file = candidates.find((candidate) => isExecutable(candidate, account));
  return file === undefined ? unpackRedisPackage(options) : { file };
}

function isExecutable(file: string, account: Account | undefined): boolean {
  try {
    accessSync(file, constants.X_OK);
    return isTraversable(dirname(realpathSync(file)), account);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Nothing is stored on disk: the platform keeps no answers in Redis. */
export function writeRedisConfig(
  file: string,
  {
    host = '127.0.0.1',
    port,
    password,
    folder,
  }: { host?: string; port: number; password: string; folder: string },
  account: Account | undefined,
): void {
  const lines = [
    `bind ${host}`,
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    'daemonize no',
    'save ""',
    'appendonly no',
    `dir "${folder}"`,
  ];
  writeServerFile(file, `${lines.join('\n')}\n`, account);
}

export function spawnRedis(options: {
  readonly binary: RedisBinary;
  readonly account: Account | undefined;
  readonly configFile: string;
  /** file descriptor */
  readonly log: number;
}): ChildProcess {
  const { binary, account, configFile, log } = options;
  const libraries = binary.libraries === undefined ? {} : { LD_LIBRARY_PATH: binary.libraries };
  return spawn(binary.file, [configFile], {
    ...account,
    cwd: dirname(configFile),
    env: { ...serverEnvironment(), ...libraries },
    stdio: ['ignore', log, log],
    detached: true,
  });
}

export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}/0`;
}

/** Rejects with the reason when Redis does not answer PING in time. */
export async function probeRedis(url: string, milliseconds: number): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: milliseconds,
    commandTimeout: milliseconds,
    retryStrategy: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
  });
  let reason: unknown;
  redis.on('error', (error) => {
    reason = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    // ioredis tells why a connection failed by its event, the promise only says "Connection is closed."
    throw new Error(`no answer to PING: ${messageOf(reason ?? error)}`, { cause: error });
  } finally {
    redis.disconnect();
  }
}
