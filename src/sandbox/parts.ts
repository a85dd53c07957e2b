import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { get } from 'node:http';
import { lastLines } from '../adapters/files.ts';
import { messageOf } from '../lifecycle/errors.ts';
import type { SandboxConfig } from './config.ts';
import { readEnvironmentFile } from './environment-file.ts';
import { logFile, type SandboxFiles } from './folder.ts';
import { probePostgres, spawnPostgres } from './postgres.ts';
import { probeRedis, spawnRedis } from './redis.ts';
import type { PartDefinition } from './supervised-process.ts';
import type { SupervisorPlan } from './supervisor-plan.ts';

/** Everything that the sandbox consists of, one entry for each process. */
export function sandboxParts(
  files: SandboxFiles,
  config: SandboxConfig,
  plan: SupervisorPlan,
): PartDefinition[] {
  const { ports } = config;
  const { account } = plan;
  const part = (
    definition: Omit<PartDefinition, 'spawn' | 'lastLogLines'>,
    start: Start,
  ): PartDefinition => ({
    ...definition,
    spawn: () => withLog(logFile(files, definition.id), start),
    lastLogLines: () => lastLines(logFile(files, definition.id), 10),
  });
  const own = (id: string, name: string, environment: () => NodeJS.ProcessEnv = () => ({})) => {
    const args = ['internal', name, '--config', files.config, '--instance', id];
    return (log: number) => spawnOwn(plan.program, args, environment(), log);
  };

  return [
    part(
      {
        id: 'database-1',
        service: 'database',
        probe: (milliseconds) => probePostgres(config.databaseUrl, milliseconds),
        stopSignals: ['SIGINT', 'SIGQUIT'],
      },
      (log) =>
        spawnPostgres({
          binaries: plan.postgres,
          account,
          dataFolder: files.postgres,
          port: ports.database,
          log,
        }),
    ),
    part(
      {
        id: 'cache-1',
        service: 'cache',
        probe: (milliseconds) => probeRedis(config.redisUrl, milliseconds),
        stopSignals: ['SIGTERM'],
      },
      (log) => spawnRedis({ binary: plan.redis, account, configFile: plan.redisConfigFile, log }),
    ),
    ...ports.backend.map((port, index) => {
      const id = `backend-${index + 1}`;
      const address = `http://127.0.0.1:${port}`;
      return part(
        { id, service: 'backend', address, probe: probeHealth(address), stopSignals: ['SIGTERM'] },
        own(id, 'sandbox-backend', () => readEnvironmentFile(files.backendEnvironment)),
      );
    }),
    part(
      {
        id: 'edge-1',
        service: 'edge',
        address: `http://127.0.0.1:${ports.edge}`,
        probe: probeEdge(`http://127.0.0.1:${ports.edge}`),
        stopSignals: ['SIGTERM'],
      },
      own('edge-1', 'sandbox-edge'),
    ),
    part(
      // it listens on nothing: that the process lives is all that can be asked
      { id: 'jobs-1', service: 'worker', probe: async () => undefined, stopSignals: ['SIGTERM'] },
      own('jobs-1', 'sandbox-jobs'),
    ),
  ];
}

type Start = (log: number) => ChildProcess;

function withLog(file: string, start: Start): ChildProcess {
  const log = openSync(file, 'a', 0o600);
  try {
    return start(log);
  } finally {
    closeSync(log);
  }
}

/** stdin stays open as long as the supervisor lives; at its end the process ends too, whatever killed the supervisor. */
function spawnOwn(
  program: readonly string[],
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  log: number,
): ChildProcess {
  const [node = process.execPath, ...flags] = program;
  const env = { ...ownEnvironment(), ...environment };
  const child = spawn(node, [...flags, ...args], { cwd: '/', env, stdio: ['pipe', log, log] });
  // a write error of a pipe to a process that has just ended is not news: its exit is seen
  child.stdin?.on('error', () => undefined);
  return child;
}

/** Nothing else of the operator's shell: it may hold secrets. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, NODE_OPTIONS } = process.env;
  const present = Object.entries({ PATH, HOME, TMPDIR, NODE_OPTIONS }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...Object.fromEntries(present), LC_ALL: 'C.UTF-8', TZ: 'UTC' };
}

function probeHealth(address: string): (milliseconds: number) => Promise<void> {
  return async (milliseconds) => {
    const status = await statusOf(`${address}/health`, milliseconds);
    if (status !== 200) throw new Error(`GET /health answered ${status}`);
  };
}

/** Any answer proves the edge: 502 only tells that there is no backend behind it. */
function probeEdge(address: string): (milliseconds: number) => Promise<void> {
  return async (milliseconds) => {
    await statusOf(`${address}/health`, milliseconds);
  };
}

function statusOf(url: string, milliseconds: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(milliseconds);
    const sent = get(url, { agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', (error) => {
      const reason = signal.aborted ? `no answer in ${milliseconds} ms` : messageOf(error);
      reject(new Error(`GET /health: ${reason}`, { cause: error }));
    });
  });
}
