import { createHash } from 'node:crypto';
import { httpApi } from '../adapters/api.ts';
import { helperProcesses } from '../adapters/helper-processes.ts';
import { readIdentities, readRehearsalAccounts } from '../adapters/identities.ts';
import { openPostgres } from '../adapters/postgres.ts';
import { openRedis } from '../adapters/redis.ts';
import { cacheFolder } from '../adapters/state-folder.ts';
import { loadConfig } from '../config/load.ts';
import { selectEnvironment } from '../config/select-environment.ts';
import type { ConnectionConfig, EnvironmentConfig } from '../config/settings.ts';
import { openCompose } from '../drivers/compose/open.ts';
import { sandboxDriver } from '../drivers/sandbox/driver.ts';
import { unavailableDriver } from '../drivers/unavailable.ts';
import type { Helpers } from '../lifecycle/disturbance.ts';
import type { Api, Driver, Environment } from '../lifecycle/environment.ts';
import { ConfigError } from '../lifecycle/errors.ts';
import type { Platform } from '../lifecycle/platform.ts';
import { withhold } from '../lifecycle/redact.ts';
import { platforms } from '../platforms/index.ts';
import { openSandbox, type SandboxAccess, sandboxFingerprint } from '../sandbox/access.ts';
import { down, type SandboxContext, status, up } from '../sandbox/sandbox.ts';
import { fingerprintOf } from './fingerprint.ts';

export interface OpenOptions {
  readonly state: string;
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
  /** as --config was given; undefined: found from the working directory */
  readonly configFile?: string | undefined;
}

export function openEnvironment(config: EnvironmentConfig, options: OpenOptions): Environment {
  return config.driver.kind === 'sandbox' ? sandbox(config, options) : configured(config, options);
}

/** Flags with which a process of examctl's own finds the same environment and state. */
export function ownFlags(
  name: string,
  { state, configFile }: Pick<OpenOptions, 'state' | 'configFile'>,
): string[] {
  return ['--state', state, '--env', name, ...(configFile === undefined ? [] : ['--config', configFile])];
}

/** The same flags, for parseArgs of that process. */
export const ownFlagOptions = {
  state: { type: 'string', default: '' },
  env: { type: 'string' },
  config: { type: 'string' },
} as const;

export async function environmentOfOwnFlags(
  { state, env, config }: { readonly state: string; readonly env?: string; readonly config?: string },
  options: Pick<OpenOptions, 'signal' | 'onProgress'>,
): Promise<Environment> {
  const settings = await loadConfig({ cwd: process.cwd(), file: config, env: process.env });
  return openEnvironment(selectEnvironment(settings, { name: env, env: process.env }), {
    ...options,
    state,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    env: process.env,
    configFile: config,
  });
}

function helpersOf({ name, driver }: EnvironmentConfig, options: OpenOptions): Helpers {
  const place = driver.kind === 'compose' ? [driver.file, driver.project ?? ''] : [options.state, name];
  const scope = createHash('sha256').update(place.join('\0')).digest('hex').slice(0, 12);
  return helperProcesses({ program: options.program, flags: ownFlags(name, options), scope });
}

export function sandboxContext({ state, program, signal, onProgress, env }: OpenOptions): SandboxContext {
  return {
    stateFolder: state,
    cacheFolder: cacheFolder(env),
    program,
    redisServer: env.REDIS_SERVER_BIN,
    signal,
    onProgress,
  };
}

/** Its addresses and secrets are read at each use: it may be down now and up, elsewhere, in a moment. */
function sandbox(config: EnvironmentConfig, options: OpenOptions): Environment {
  const { state } = options;
  const context = sandboxContext(options);
  const apis = new Map<string, Api>();
  const api = async (): Promise<Api> => {
    const access = openSandbox(state);
    const known = apis.get(access.apiUrl);
    if (known !== undefined) return known;
    const adminToken = await access.adminToken();
    const opened = httpApi({
      url: rootOf(access),
      basePaths: [access.basePath],
      adminToken: () => adminToken,
    });
    apis.set(access.apiUrl, opened);
    return opened;
  };
  const helpers = helpersOf(config, options);
  return {
    ...common(config),
    helpers,
    driver: sandboxDriver({ stateFolder: state, helpers }),
    api: {
      get url() {
        return rootOf(openSandbox(state));
      },
      baseUrl: async (signal) => (await api()).baseUrl(signal),
      request: async (request) => (await api()).request(request),
    },
    ephemeral: {
      isUp: async () => (await status(context)).state === 'running',
      up: async (signal) => void (await up({ ...context, signal })),
      // taking down is part of reverting, so it is not ended by the interrupt that began it
      down: async () => void (await down({ ...context, signal: new AbortController().signal })),
    },
    fingerprint: async () => {
      const made = sandboxFingerprint(state);
      return made === undefined ? {} : { sandbox: made };
    },
    withPostgres: async (use, how) => openPostgres(openSandbox(state).databaseUrl)(use, how),
    withRedis: async (use) => openRedis(openSandbox(state).redisUrl)(use),
    identities: async (count, how) => openSandbox(state).identities(count, how),
    rehearsalAccounts: async () => openSandbox(state).accounts,
  };
}

/** Without the base path. */
function rootOf({ apiUrl }: SandboxAccess): string {
  return new URL(apiUrl).origin;
}

function driverOf(config: EnvironmentConfig, { env }: OpenOptions, helpers: Helpers): Driver {
  const { driver, services, examMode } = config;
  if (driver.kind !== 'compose') return unavailableDriver(driver.kind, config.name);
  const { file, project } = driver;
  const { jobs: jobKeys } = platformOf(config).examMode;
  return openCompose({ file, project, services, examMode, env, helpers, jobKeys });
}

function configured(config: EnvironmentConfig, options: OpenOptions): Environment {
  const basePaths = platformOf(config).basePaths;
  const helpers = helpersOf(config, options);
  const driver = driverOf(config, options, helpers);
  const withPostgres: Environment['withPostgres'] = async (use, how) =>
    openPostgres(await connection('database', config, driver))(use, how);
  let opened: Api | undefined;
  // secrets are looked up when they are used: who needs none of the API's is not stopped by one that is missing
  const api = (): Api => {
    const { url, basePath, adminToken, token } = config.api ?? {};
    const admin = adminToken ?? token;
    opened ??= httpApi({
      url: required(url?.reveal(), config, 'api.url'),
      basePaths: basePath === undefined ? basePaths : [basePath],
      env: options.env,
      ...(admin !== undefined && { adminToken: () => admin.reveal() }),
    });
    return opened;
  };
  return {
    ...common(config),
    ...replicaOf(config),
    helpers,
    driver,
    get api() {
      return api();
    },
    fingerprint: () => fingerprintOf({ urlOf: () => api().url, withPostgres }),
    withPostgres,
    withRedis: async (use) => openRedis(await connection('cache', config, driver))(use),
    identities: (count, how) =>
      readIdentities(config.identities, count, { ...common(config), withPostgres }, how),
    rehearsalAccounts: () => readRehearsalAccounts(config.identities, config.name),
  };
}

function replicaOf({ database }: EnvironmentConfig): Pick<Environment, 'replica'> {
  const replica = database?.replica;
  if (replica === undefined) return {};
  return { replica: (use, how) => openPostgres(replica.reveal())(use, how) };
}

function common(config: EnvironmentConfig) {
  const { name, thresholds, examMode } = config;
  return { name, protected: config.protected, platform: platformOf(config), thresholds, examMode };
}

function platformOf({ platform }: EnvironmentConfig): Platform {
  return platforms[platform];
}

async function connection(
  service: 'database' | 'cache',
  config: EnvironmentConfig,
  driver: Driver,
): Promise<string> {
  const given: ConnectionConfig | undefined = config[service];
  if (given?.kind !== 'driver') return required(given?.url.reveal(), config, `${service}.url`);
  const url = await driver.connectionUrl?.(service);
  if (url !== undefined) {
    withhold(url);
    return url;
  }
  throw new ConfigError(
    `${service} of ${config.name}: "via: driver" needs the compose driver; ${driver.kind} knows no way`,
    { hint: `give ${service}.url` },
  );
}

function required(value: string | undefined, { name }: EnvironmentConfig, key: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`environment ${name} has no ${key}`, { hint: 'see examples/examctl.yaml' });
}
