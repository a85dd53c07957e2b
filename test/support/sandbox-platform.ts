import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeJson } from '../../src/adapters/files.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import type { SandboxConfig } from '../../src/sandbox/config.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import { program } from './sandbox.ts';
import { statusOf } from './send.ts';

export const seededStudents = 80;
export const signingKey = 'only known to the tests, and long enough';

export interface Platform {
  readonly config: SandboxConfig;
  /** of the edge */
  readonly address: string;
  workerAddress(number: number): string;
  breakWith(...defects: DefectId[]): void;
  /** what all parts whose name begins so have logged */
  log(part: string): string;
  startJobs(): void;
  kill(part: string): void;
  /** how it ended: its exit code */
  end(part: string, how: 'SIGTERM' | 'stdin'): Promise<number | null>;
  restart(part: string, options?: { ready: boolean }): Promise<void>;
  stop(): Promise<void>;
}

interface WantedPlatform {
  readonly workers: number;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly examModeStatus?: SandboxConfig['examModeStatus'];
  readonly revision?: SandboxConfig['revision'];
}

export async function startPlatform(wanted: WantedPlatform): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-backend-test-'));
  const [edge = 0, ...backend] = await freePorts(wanted.workers + 1);
  const config: SandboxConfig = {
    folder,
    databaseUrl: wanted.databaseUrl,
    redisUrl: wanted.redisUrl,
    ports: { database: 0, cache: 0, edge, backend },
    basePath: '/v1',
    jwtSigningKey: signingKey,
    examModeStatus: wanted.examModeStatus ?? 423,
    revision: wanted.revision ?? 'R2',
    students: seededStudents,
  };
  const configFile = join(folder, 'config.json');
  writeJson(configFile, config);
  const parts = new Map<string, ChildProcess>();
  const start = (part: string) => parts.set(part, startPart(part, configFile, folder));
  const workerAddress = (number: number) => `http://127.0.0.1:${backend[number - 1]}`;

  const kill = (part: string) => parts.get(part)?.kill('SIGKILL');
  for (const index of backend.keys()) start(`backend-${index + 1}`);
  start('edge');
  const address = `http://127.0.0.1:${edge}`;
  await Promise.all([
    untilHealthy(address),
    ...backend.map((_port, index) => untilHealthy(workerAddress(index + 1))),
  ]);

  return {
    config,
    address,
    workerAddress,
    breakWith: (...defects) => writeJson(join(folder, 'defects.json'), defects),
    log: (prefix) =>
      [...parts.keys()]
        .filter((part) => part.startsWith(prefix))
        .map((part) => readFileSync(join(folder, `${part}.log`), 'utf8'))
        .join('\n'),
    startJobs: () => start('jobs'),
    kill,
    async end(part, how) {
      const child = parts.get(part);
      if (child === undefined) throw new Error(`${part} was not started`);
      const code = exitOf(child);
      if (how === 'stdin') child.stdin?.end();
      else child.kill(how);
      return code;
    },
    async restart(part, { ready } = { ready: true }) {
      const child = parts.get(part);
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        kill(part);
        await exitOf(child);
      }
      start(part);
      if (ready) await untilHealthy(workerAddress(Number(part.at(-1))));
    },
    async stop() {
      const living = [...parts.values()].filter(
        ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
      );
      for (const child of living) child.kill('SIGTERM');
      await Promise.all(living.map(exitOf));
      rmSync(folder, { recursive: true });
    },
  };
}

function startPart(part: string, configFile: string, folder: string): ChildProcess {
  const name = `sandbox-${part.replace(/-\d+$/, '')}`;
  const log = openSync(join(folder, `${part}.log`), 'a');
  const [command = '', ...examctl] = program;
  const args = [...examctl, 'internal', name, '--config', configFile, '--instance', part];
  return spawn(command, args, { stdio: ['pipe', log, log] });
}

async function untilHealthy(address: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await statusOf(`${address}/health`)) !== 200) {
    if (Date.now() > deadline) throw new Error(`${address} did not become healthy`);
    await sleep(50);
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

export async function startEdge(config: SandboxConfig): Promise<{ address: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-edge-test-'));
  const [edge = 0] = await freePorts(1);
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify({ ...config, folder, ports: { ...config.ports, edge } }));
  const child = startPart('edge', configFile, folder);
  const address = `http://127.0.0.1:${edge}`;
  await untilHealthy(address);
  return {
    address,
    async stop() {
      const ended = exitOf(child);
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
