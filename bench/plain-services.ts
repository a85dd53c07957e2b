import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/adapters/package-root.ts';
import { freePorts } from '../src/adapters/ports.ts';
import { cacheFolder } from '../src/adapters/state-folder.ts';
import { serverAccount } from '../src/sandbox/account.ts';
import { postgresBinaries } from '../src/sandbox/postgres.ts';
import { findRedis } from '../src/sandbox/redis.ts';
import { makeServicesCache } from '../src/sandbox/services-cache.ts';
import { benchEnvironment, ended } from './measure.ts';

export interface PlainServices {
  up(): Promise<void>;
  down(): Promise<void>;
  remove(): void;
}

/** The same servers as the sandbox's, by a shell script. */
export async function plainServices(): Promise<PlainServices> {
  const account = serverAccount();
  const cache = makeServicesCache(cacheFolder(process.env), account);
  const postgres = await postgresBinaries(cache, account);
  const redis = await findRedis({
    configured: process.env.REDIS_SERVER_BIN,
    cacheFolder: cache,
    account,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-plain-'));
  chmodSync(folder, 0o700);
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const ports = await freePorts(2);
  const script = (verb: 'up' | 'down') =>
    ended(
      'sh',
      [
        join(packageRoot(), 'bench/plain-services.sh'),
        verb,
        folder,
        join(postgres.folder, 'bin'),
        redis.file,
        ...ports.map(String),
      ],
      // the servers would keep a pipe open
      {
        ...account,
        cwd: folder,
        env: { ...benchEnvironment(), ...(redis.libraries && { LD_LIBRARY_PATH: redis.libraries }) },
        stdio: 'ignore',
      },
    );
  return {
    up: () => script('up'),
    down: () => script('down'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
