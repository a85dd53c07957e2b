import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../../../src/adapters/files.ts';
import { packageRoot } from '../../../src/adapters/package-root.ts';
import { type Account, serverAccount } from '../../../src/sandbox/account.ts';
import type { SandboxConfig } from '../../../src/sandbox/config.ts';
import { copyTree } from '../../../src/sandbox/copy-tree.ts';
import { makeServerFolder, postgresBinaries } from '../../../src/sandbox/postgres.ts';
import { findRedis, type RedisBinary, writeRedisConfig } from '../../../src/sandbox/redis.ts';
import { makeServicesCache } from '../../../src/sandbox/services-cache.ts';
import { seededTemplate } from '../../../src/sandbox/template.ts';
import { testCacheFolder } from '../services.ts';
import { addressOf, ports, type Role, stackServices } from './services.ts';

/** All that the containers are made from, on this machine. */
export interface Place {
  readonly folder: string;
  readonly envFile: string;
  readonly account: Account;
  readonly config: SandboxConfig;
  /** folder with bin/, lib/ and share/ of PostgreSQL */
  readonly postgres: string;
  readonly redis: RedisBinary;
  readonly net: string;
  readonly cacheFolder: string;
  /** those whose containers have a health check */
  readonly healthChecked: readonly Role[];
  readonly healthSeconds: number;
}

/** A seeded database, a Redis, examctl and their settings in a folder. */
export async function preparePlace(options: {
  readonly folder: string;
  readonly net: string;
  readonly workers: number;
  readonly students: number;
  readonly healthChecked: readonly Role[];
  readonly healthSeconds: number;
}): Promise<Place> {
  const { folder, net, workers, students, healthChecked, healthSeconds } = options;
  const account = serverAccount();
  if (account === undefined) throw new Error('a Docker engine of the tests runs as root');
  const { signal } = new AbortController();
  const onProgress = () => undefined;
  const cacheFolder = makeServicesCache(testCacheFolder(), account);
  const binaries = await postgresBinaries(cacheFolder, account);
  const redis = await findRedis({
    configured: process.env.REDIS_SERVER_BIN,
    cacheFolder,
    account,
    signal,
    onProgress,
  });
  const template = await seededTemplate({
    cacheFolder,
    binaries,
    account,
    students,
    revision: 'R2',
    signal,
    onProgress,
  });
  const cachePassword = randomBytes(16).toString('hex');
  for (const name of ['platform', 'cache']) mkdirSync(join(folder, name), { recursive: true });
  chmodSync(folder, 0o711);
  await copyTree(template.dataFolder, join(folder, 'postgres'));
  appendFileSync(join(folder, 'postgres/pg_hba.conf'), 'host all all samenet scram-sha-256\n');
  const redisFolder = join(folder, 'redis');
  makeServerFolder(redisFolder, account);
  const listening = { host: '0.0.0.0', port: ports.cache, password: cachePassword, folder: '/data' };
  writeRedisConfig(join(redisFolder, 'redis.conf'), listening, account);
  writeExamctl(folder);
  const config: SandboxConfig = {
    folder: '/platform',
    // by name, as a platform does: one that is stopped has none, and a connect fails at once
    databaseUrl: `postgres://exam_user:${template.password}@${stackServices.database}:${ports.database}/exam_platform`,
    redisUrl: `redis://:${cachePassword}@${stackServices.cache}:${ports.cache}/0`,
    ports: { ...ports, backend: Array(workers).fill(ports.backend) },
    hosts: { listen: '0.0.0.0', backend: addressOf('backend', net) },
    basePath: '/v1',
    jwtSigningKey: randomBytes(32).toString('hex'),
    examModeStatus: 423,
    revision: 'R2',
    students,
  };
  writeJson(join(folder, 'platform/config.json'), config);
  const envFile = join(folder, '.env');
  const postgres = binaries.folder;
  return {
    folder,
    envFile,
    account,
    config,
    postgres,
    redis,
    net,
    cacheFolder,
    healthChecked,
    healthSeconds,
  };
}

/** A copy, as the original is built anew by every test run. */
function writeExamctl(folder: string): void {
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(packageRoot(), name), join(folder, 'examctl', name), { recursive: true });
}
