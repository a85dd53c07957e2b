import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import { isTraversable, serverAccount } from '../../src/sandbox/account.ts';
import { ownServers, removeAbandoned } from '../../src/sandbox/owned-servers.ts';
import {
  createDatabase,
  databaseUrl,
  initPostgres,
  makeServerFolder,
  postgresBinaries,
  probePostgres,
  spawnPostgres,
  untilAnswering,
} from '../../src/sandbox/postgres.ts';
import { findRedis, probeRedis, redisUrl, spawnRedis, writeRedisConfig } from '../../src/sandbox/redis.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';

export interface TestServices {
  /** superuser exam_user on an empty database exam_platform */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  stop(): Promise<void>;
}

const prefix = `examctl-test-${process.getuid?.()}-`;

/** A real PostgreSQL and a real Redis in a temporary folder; stop() leaves no process and no file. */
export async function startTestServices(): Promise<TestServices> {
  await removeAbandoned(tmpdir(), (name) => name.startsWith(prefix));
  const account = serverAccount();
  const cacheFolder = makeServicesCache(testCacheFolder(), account);
  const { signal } = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o711);
  const owned = ownServers(folder);
  const log = openSync(join(folder, 'log'), 'a', 0o600);

  try {
    const password = randomBytes(16).toString('hex');
    const [databasePort = 0, cachePort = 0] = await freePorts(2);
    const binaries = await postgresBinaries(cacheFolder, account);
    const dataFolder = join(folder, 'postgres');
    await initPostgres({ binaries, account, dataFolder, password, signal });
    const postgres = spawnPostgres({ binaries, account, dataFolder, port: databasePort, log });
    owned.add(postgres.pid);

    const binary = await findRedis({
      configured: process.env.REDIS_SERVER_BIN,
      cacheFolder,
      account,
      signal,
      onProgress: () => undefined,
    });
    const redisFolder = join(folder, 'redis');
    makeServerFolder(redisFolder, account);
    const configFile = join(redisFolder, 'redis.conf');
    writeRedisConfig(configFile, { port: cachePort, password, folder: redisFolder }, account);
    const redis = spawnRedis({ binary, account, configFile, log });
    owned.add(redis.pid);

    const cacheUrl = redisUrl(cachePort, password);
    const anyDatabase = databaseUrl(databasePort, password, 'postgres');
    const patience = { milliseconds: 20_000, signal };
    await untilAnswering(() => probePostgres(anyDatabase, 2_000), { child: postgres, ...patience });
    await untilAnswering(() => probeRedis(cacheUrl, 2_000), { child: redis, ...patience });
    await createDatabase(databasePort, password);
    return { databaseUrl: databaseUrl(databasePort, password), redisUrl: cacheUrl, stop: owned.remove };
  } catch (error) {
    const said = readFileSync(join(folder, 'log'), 'utf8').slice(-2_000);
    await owned.remove();
    throw new Error(`the test services could not be started; their log ends:\n${said}`, { cause: error });
  } finally {
    closeSync(log);
  }
}

/** Inside the project where that is possible, so that a download or copy is made once for all test runs. */
export function testCacheFolder(): string {
  const modules = join(packageRoot(), 'node_modules');
  const inProject = join(modules, '.cache/examctl');
  const usable =
    isTraversable(inProject, serverAccount()) && [modules, dirname(inProject), inProject].every(isWritable);
  const folder = usable ? inProject : join(tmpdir(), `examctl-cache-${process.getuid?.()}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

/** A folder that does not exist counts as its parent does. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
