import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../adapters/files.ts';
import { freePorts, isPortFree } from '../adapters/ports.ts';
import { type Account, serverAccount } from './account.ts';
import type { SandboxConfig } from './config.ts';
import { copyTree } from './copy-tree.ts';
import { explainFullDisk, requireDiskSpace } from './disk-space.ts';
import { makeSandboxFolder, makeSocketFolder, removeSandboxFolder, type SandboxFiles } from './folder.ts';
import { spawnSupervisor, untilUp } from './launch.ts';
import { requireOwnParts } from './own-parts.ts';
import { databaseUrl, makeServerFolder, postgresBinaries } from './postgres.ts';
import { findRedis, redisUrl, writeRedisConfig } from './redis.ts';
import type { SandboxOptions } from './sandbox-options.ts';
import { makeServicesCache } from './services-cache.ts';
import type { SupervisorPlan } from './supervisor-plan.ts';
import { takeDown } from './take-down.ts';
import { seededTemplate } from './template.ts';

export interface SandboxContext {
  readonly stateFolder: string;
  /** for what outlives a sandbox: unpacked servers and seeded databases */
  readonly cacheFolder: string;
  /** how examctl itself is started: node, its flags, the script */
  readonly program: readonly string[];
  /** a Redis or Valkey server to use instead of the one that is found */
  readonly redisServer?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

interface Secrets {
  readonly databasePassword: string;
  readonly cachePassword: string;
  readonly jwtSigningKey: string;
}

const portAttempts = 3;

/** New data, then its processes; nothing is left when that fails or is interrupted. */
export async function makeSandbox(context: SandboxContext, options: SandboxOptions): Promise<void> {
  const { stateFolder, signal, onProgress } = context;
  const account = serverAccount();
  const cacheFolder = makeServicesCache(context.cacheFolder, account);
  const files = makeSandboxFolder(stateFolder, account);
  try {
    requireDiskSpace([files.folder, cacheFolder]);
    const plan = await planSupervisor(context, files, account, cacheFolder);
    const template = await seededTemplate({
      cacheFolder,
      binaries: plan.postgres,
      account,
      students: options.students,
      revision: options.revision,
      signal,
      onProgress,
    });
    await copyTree(template.dataFolder, files.postgres);
    signal.throwIfAborted();
    const secrets: Secrets = {
      databasePassword: template.password,
      cachePassword: randomBytes(24).toString('hex'),
      jwtSigningKey: randomBytes(32).toString('hex'),
    };
    await startWithFreePorts(context, files, plan, (ports) => configure(files, options, secrets, ports));
  } catch (error) {
    await takeDown(files);
    const explained = explainFullDisk(error, [files.folder, cacheFolder]);
    removeSandboxFolder(stateFolder);
    throw explained;
  }
}

/** The data and the secrets of before, so that tokens stay valid; defects and disturbances are off. */
export async function startKept(
  context: SandboxContext,
  files: SandboxFiles,
  options: SandboxOptions,
  before: SandboxConfig,
): Promise<void> {
  const account = serverAccount();
  const cacheFolder = makeServicesCache(context.cacheFolder, account);
  const plan = await planSupervisor(context, files, account, cacheFolder);
  const secrets: Secrets = {
    databasePassword: new URL(before.databaseUrl).password,
    cachePassword: new URL(before.redisUrl).password,
    jwtSigningKey: before.jwtSigningKey,
  };
  rmSync(files.defects, { force: true });
  rmSync(files.disturbances, { recursive: true, force: true });
  try {
    await startWithFreePorts(context, files, plan, (ports) => configure(files, options, secrets, ports));
  } catch (error) {
    await takeDown(files);
    throw explainFullDisk(error, [files.folder]);
  }
}

async function planSupervisor(
  { program, redisServer, signal, onProgress }: SandboxContext,
  files: SandboxFiles,
  account: Account | undefined,
  cacheFolder: string,
): Promise<Omit<SupervisorPlan, 'socket'>> {
  const postgres = await postgresBinaries(cacheFolder, account);
  const redis = await findRedis({ configured: redisServer, cacheFolder, account, signal, onProgress });
  return { program, account, postgres, redis, redisConfigFile: join(files.redis, 'redis.conf') };
}

/** A port that was free may be taken before our process listens on it; then others are tried. */
async function startWithFreePorts(
  context: SandboxContext,
  files: SandboxFiles,
  plan: Omit<SupervisorPlan, 'socket'>,
  configureFor: (ports: readonly number[]) => SandboxConfig,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const workers = configureFor([]).ports.backend.length;
    const ports = await freePorts(3 + workers);
    try {
      return await start(context, files, plan, configureFor(ports));
    } catch (error) {
      await takeDown(files);
      const taken = (await Promise.all(ports.map(isPortFree))).includes(false);
      if (context.signal.aborted || !taken || attempt === portAttempts) throw error;
      context.onProgress('another program took one of the ports; trying others');
    }
  }
}

function configure(
  { folder }: SandboxFiles,
  { workers, students, examModeStatus, revision, basePath }: SandboxOptions,
  { databasePassword, cachePassword, jwtSigningKey }: Secrets,
  [database = 0, cache = 0, edge = 0, ...backend]: readonly number[],
): SandboxConfig {
  return {
    folder,
    databaseUrl: databaseUrl(database, databasePassword),
    redisUrl: redisUrl(cache, cachePassword),
    ports: { database, cache, edge, backend: backend.length === 0 ? Array(workers).fill(0) : backend },
    basePath,
    jwtSigningKey,
    examModeStatus,
    revision,
    students,
  };
}

async function start(
  context: SandboxContext,
  files: SandboxFiles,
  planned: Omit<SupervisorPlan, 'socket'>,
  config: SandboxConfig,
): Promise<void> {
  const { account, redisConfigFile } = planned;
  rmSync(files.redis, { recursive: true, force: true });
  makeServerFolder(files.redis, account);
  const password = new URL(config.redisUrl).password;
  writeRedisConfig(redisConfigFile, { port: config.ports.cache, password, folder: files.redis }, account);
  const plan: SupervisorPlan = { ...planned, socket: join(makeSocketFolder(files.folder), 'ctl.sock') };
  writeJson(files.plan, plan);
  writeJson(files.config, config);
  spawnSupervisor(files, plan);
  await untilUp({ ...context, files, isDone: (part) => part.state === 'running' });
  await requireOwnParts(config, context.signal);
}
