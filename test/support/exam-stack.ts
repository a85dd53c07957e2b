import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { writeJson } from '../../src/adapters/files.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { type Account, serverAccount } from '../../src/sandbox/account.ts';
import { mintTokens } from '../../src/sandbox/backend/tokens.ts';
import type { SandboxConfig } from '../../src/sandbox/config.ts';
import { copyTree } from '../../src/sandbox/copy-tree.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import { makeServerFolder, postgresArguments, postgresBinaries } from '../../src/sandbox/postgres.ts';
import { findRedis, type RedisBinary, writeRedisConfig } from '../../src/sandbox/redis.ts';
import { sandboxAdmin } from '../../src/sandbox/seed.ts';
import { makeServicesCache } from '../../src/sandbox/services-cache.ts';
import { seededTemplate } from '../../src/sandbox/template.ts';
import { hostImage, type TestEngine } from './docker-engine.ts';
import { testCacheFolder } from './services.ts';

/** Names of the compose file, by role: not the roles themselves, as with the real ones. */
export const stackServices = {
  database: 'postgres_staging',
  cache: 'redis_staging',
  backend: 'backend_staging',
  edge: 'traefik',
  worker: 'jobs',
} as const;

type Role = keyof typeof stackServices;

const ports = { database: 5432, cache: 6379, backend: 8000, edge: 8080 } as const;
const roles = Object.keys(stackServices) as Role[];

export interface ExamStack {
  readonly project: string;
  /** the compose file */
  readonly file: string;
  readonly envFile: string;
  /** examctl.yaml with the environment "staging" */
  readonly configFile: string;
  /** for examctl as a child process */
  readonly env: Record<string, string>;
  /** from `up` until every container was healthy */
  readonly secondsUntilHealthy: number;
  compose(...args: string[]): Promise<string>;
  /** by role, as `docker ps` says: "Up 3 seconds (healthy)"; those that do not run are not there */
  states(): Promise<Partial<Record<Role, string>>>;
  untilHealthy(seconds: number): Promise<void>;
  breakWith(...defects: DefectId[]): void;
  down(): Promise<void>;
}

export interface ExamStackOptions {
  readonly project: string;
  /** docker compose, or docker-compose */
  readonly command: readonly string[];
  readonly workers?: number;
  readonly students?: number;
  /** 64 to 126: for a second stack of the same engine */
  readonly subnet?: number;
}

/** The reference platform in five containers, seeded, under the names of a compose file. */
export async function startExamStack(engine: TestEngine, options: ExamStackOptions): Promise<ExamStack> {
  const { project, command, workers = 4, students = 600, subnet = 100 } = options;
  const folder = join(engine.folder, project);
  const net = `${engine.network}.${subnet}`;
  const place = await preparePlace({ folder, net, workers, students });
  const file = join(folder, 'compose.yml');
  const compose = async (...args: string[]) => {
    const [program = '', ...rest] = [...command, '--file', file, '--project-name', project, ...args];
    return (await execa(program, rest, { env: engine.env, extendEnv: false, cwd: folder })).stdout;
  };
  const states = () => statesOf(project, engine.env);
  const untilHealthy = async (seconds: number) => {
    const deadline = performance.now() + 1_000 * seconds;
    for (;;) {
      const seen = await states();
      if (roles.every((role) => seen[role]?.includes('(healthy)'))) return;
      if (performance.now() > deadline)
        throw new Error(`not healthy in ${seconds} s: ${JSON.stringify(seen)}\n${await compose('logs')}`);
      await sleep(100);
    }
  };
  writeFileSync(file, stringify(composeFile(place)));
  writeFileSync(place.envFile, `# of the stack\nEXAM_MODE=false\nUVICORN_WORKERS=${workers}\n`);
  const configFile = await writeConfig(place, project);

  const began = performance.now();
  await compose('up', '--detach');
  await untilHealthy(60);
  const secondsUntilHealthy = (performance.now() - began) / 1_000;
  return {
    project,
    file,
    envFile: place.envFile,
    configFile,
    env: Object.fromEntries(
      Object.entries(engine.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    secondsUntilHealthy,
    compose,
    states,
    untilHealthy,
    breakWith: (...defects) => writeJson(join(folder, 'platform/defects.json'), defects),
    down: async () => void (await compose('down', '--volumes', '--timeout', '1')),
  };
}

async function statesOf(project: string, env: NodeJS.ProcessEnv): Promise<Partial<Record<Role, string>>> {
  const filter = `label=com.docker.compose.project=${project}`;
  const format = '{{.Label "com.docker.compose.service"}}\t{{.Status}}';
  const args = ['ps', '--filter', filter, '--format', format];
  const { stdout } = await execa('docker', args, { env, extendEnv: false });
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  return Object.fromEntries(
    roles.flatMap((role) => {
      const found = lines.find(([name]) => name === stackServices[role]);
      return found === undefined ? [] : [[role, found[1]]];
    }),
  );
}

/** All that the containers are made from, on this machine. */
interface Place {
  readonly folder: string;
  readonly envFile: string;
  readonly account: Account;
  readonly config: SandboxConfig;
  /** folder with bin/, lib/ and share/ of PostgreSQL */
  readonly postgres: string;
  readonly redis: RedisBinary;
  readonly net: string;
  readonly cacheFolder: string;
}

const hostNumbers: Readonly<Record<Role, number>> = {
  database: 10,
  cache: 11,
  backend: 12,
  edge: 13,
  worker: 14,
};

function addressOf(role: Role, net: string): string {
  return `${net}.${hostNumbers[role]}`;
}

async function preparePlace(options: {
  readonly folder: string;
  readonly net: string;
  readonly workers: number;
  readonly students: number;
}): Promise<Place> {
  const { folder, net, workers, students } = options;
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
  mkdirSync(join(folder, 'platform'), { recursive: true });
  chmodSync(folder, 0o711);
  await copyTree(template.dataFolder, join(folder, 'postgres'));
  appendFileSync(join(folder, 'postgres/pg_hba.conf'), 'host all all samenet scram-sha-256\n');
  const redisFolder = join(folder, 'redis');
  makeServerFolder(redisFolder, account);
  const listening = { host: '0.0.0.0', port: ports.cache, password: cachePassword, folder: '/data' };
  writeRedisConfig(join(redisFolder, 'redis.conf'), listening, account);
  writeExamctl(folder);
  for (const [role, script] of Object.entries(healthChecks))
    writeFileSync(join(folder, `${role}.health`), script);
  const config: SandboxConfig = {
    folder: '/platform',
    databaseUrl: `postgres://exam_user:${template.password}@${addressOf('database', net)}:${ports.database}/exam_platform`,
    redisUrl: `redis://:${cachePassword}@${addressOf('cache', net)}:${ports.cache}/0`,
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
  return { folder, envFile, account, config, postgres: binaries.folder, redis, net, cacheFolder };
}

/** A copy, as the original is built anew by every test run. */
function writeExamctl(folder: string): void {
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(packageRoot(), name), join(folder, 'examctl', name), { recursive: true });
}

/** By nothing but bash: a Node.js every other second in each container would be felt on a small machine. */
const healthChecks: Readonly<Record<Role, string>> = {
  // as pg_isready: the server asks for a password when it accepts connections, else it says why not
  database: `exec 3<>/dev/tcp/127.0.0.1/${ports.database} || exit 1
printf '\\0\\0\\0\\x2f\\0\\3\\0\\0user\\0exam_user\\0database\\0exam_platform\\0\\0' >&3
[ "$(head -c 1 <&3)" = R ]
`,
  cache: `exec 3<>/dev/tcp/127.0.0.1/${ports.cache} || exit 1
printf 'AUTH %s\\r\\nPING\\r\\n' "$(sed -n 's/^requirepass //p' /data/redis.conf)" >&3
read -r _ <&3 && read -r answer <&3 && [ "$answer" = $'+PONG\\r' ]
`,
  backend: `exec 3<>/dev/tcp/127.0.0.1/${ports.backend} || exit 1
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3
read -r answer <&3 && [[ $answer == *' 200 '* ]]
`,
  // any answer proves it: 502 only tells that there is no backend behind it
  edge: `exec 3<>/dev/tcp/127.0.0.1/${ports.edge} || exit 1
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3
read -r answer <&3 && [[ $answer == HTTP/* ]]
`,
  // it listens on nothing: an open connection to the database is what it works with
  worker: `grep -q ':${ports.database.toString(16).toUpperCase()} 01 ' /proc/net/tcp
`,
};

function composeFile(place: Place): object {
  const { folder, account, postgres, redis, net, cacheFolder } = place;
  const user = `${account.uid}:${account.gid}`;
  const libraries =
    redis.libraries === undefined ? {} : { environment: { LD_LIBRARY_PATH: redis.libraries } };
  const platform = (role: Role, program: string) => ({
    ...service(role, place, ['examctl:/examctl:ro', 'platform:/platform']),
    command: [
      process.execPath,
      '/examctl/bin/examctl.js',
      'internal',
      program,
      '--config',
      '/platform/config.json',
    ],
    // at the end of stdin it ends: that is how it learns in a sandbox that its supervisor is gone
    stdin_open: true,
    stop_grace_period: '3s',
    environment: { TZ: 'UTC' },
  });
  return {
    version: '2.4',
    services: {
      [stackServices.database]: {
        ...service('database', place, ['postgres:/data', `${postgres}:/postgres:ro`]),
        user,
        command: ['/postgres/bin/postgres', ...postgresArguments('/data', ports.database, '*')],
        stop_signal: 'SIGINT',
        shm_size: '256m',
        expose: [String(ports.database)],
      },
      [stackServices.cache]: {
        ...service('cache', place, ['redis:/data', `${cacheFolder}:${cacheFolder}:ro`]),
        ...libraries,
        user,
        command: [redis.file, '/data/redis.conf'],
        mem_limit: '512m',
        expose: [String(ports.cache)],
      },
      [stackServices.backend]: {
        ...platform('backend', 'sandbox-backend-workers'),
        env_file: ['.env'],
        tmpfs: ['/scratch:size=16m'],
        expose: [String(ports.backend)],
        depends_on: healthy('database', 'cache'),
      },
      [stackServices.edge]: {
        ...platform('edge', 'sandbox-edge'),
        expose: [String(ports.edge)],
        depends_on: { [stackServices.backend]: { condition: 'service_started' } },
      },
      [stackServices.worker]: {
        ...platform('worker', 'sandbox-jobs'),
        mem_limit: '512m',
        depends_on: healthy('database'),
      },
    },
    networks: { default: { ipam: { config: [{ subnet: `${net}.0/24` }] } } },
  };

  function healthy(...needed: Role[]) {
    return Object.fromEntries(needed.map((role) => [stackServices[role], { condition: 'service_healthy' }]));
  }

  function service(role: Role, { folder: of }: Place, mounts: readonly string[]) {
    const node = dirname(dirname(process.execPath));
    const own = mounts.map((mount) => (mount.startsWith('/') ? mount : `${join(of, mount)}`));
    return {
      image: hostImage,
      volumes: [
        '/usr:/usr:ro',
        ...(node === '/usr' ? [] : [`${node}:${node}:ro`]),
        ...own,
        `${join(folder, `${role}.health`)}:/health.sh:ro`,
      ],
      networks: { default: { ipv4_address: addressOf(role, net) } },
      dns: '127.0.0.1',
      restart: 'unless-stopped',
      stop_grace_period: '1s',
      healthcheck: {
        test: ['CMD', 'bash', '/health.sh'],
        interval: '1s',
        timeout: '2s',
        retries: 3,
        start_period: '20s',
      },
    };
  }
}

/** A reference, as examctl.yaml writes secrets. */
function secretOf(name: string): string {
  return `\${file:secrets/${name}}`;
}

async function writeConfig({ folder, config, net }: Place, project: string): Promise<string> {
  const secrets = {
    'database-password': new URL(config.databaseUrl).password,
    'cache-password': new URL(config.redisUrl).password,
    'signing-key': config.jwtSigningKey,
    'admin-token': (await mintTokens(config, [sandboxAdmin]))[0]?.token ?? '',
  };
  mkdirSync(join(folder, 'secrets'), { mode: 0o700 });
  for (const [name, secret] of Object.entries(secrets))
    writeFileSync(join(folder, 'secrets', name), `${secret}\n`, { mode: 0o600 });
  const withSecret = (url: string, name: string) => {
    const { protocol, username, host, pathname } = new URL(url);
    return `${protocol}//${username}:${secretOf(name)}@${host}${pathname}`;
  };
  const configFile = join(folder, 'examctl.yaml');
  const staging = {
    platform: 'exam-platform',
    driver: { kind: 'compose', file: 'compose.yml', project },
    services: stackServices,
    api: {
      url: `http://${addressOf('edge', net)}:${ports.edge}`,
      base_path: config.basePath,
      admin_token: secretOf('admin-token'),
    },
    database: { url: withSecret(config.databaseUrl, 'database-password') },
    cache: { url: withSecret(config.redisUrl, 'cache-password') },
    exam_mode: {
      mechanisms: ['system-flag', { 'env-file': '.env', variable: 'EXAM_MODE', service: 'backend' }],
    },
    identities: { signing_key: secretOf('signing-key'), email_domain: 'students.sandbox.local' },
  };
  writeFileSync(configFile, stringify({ environments: { staging } }));
  return configFile;
}
