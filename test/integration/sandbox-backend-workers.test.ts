import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeJson } from '../../src/adapters/files.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import type { SandboxConfig } from '../../src/sandbox/config.ts';
import { seed } from '../../src/sandbox/seed.ts';
import { until } from '../support/examctl.ts';
import { program } from '../support/sandbox.ts';
import { statusOf } from '../support/send.ts';
import { startTestServices, type TestServices } from '../support/services.ts';

let services: TestServices;
let folder: string;
let child: ChildProcess;
let said: string;

beforeAll(async () => {
  services = await startTestServices();
  await seed(services.databaseUrl, { students: 1 });
});
afterAll(() => services?.stop());
afterEach(async () => {
  child.kill('SIGKILL');
  await until(async () => workers().length === 0, 60);
  rmSync(folder, { recursive: true });
});

/** Three workers behind one port, as in one container. */
async function start(more: Partial<SandboxConfig> = {}): Promise<string> {
  folder = mkdtempSync(join(tmpdir(), 'examctl-workers-test-'));
  const [port = 0] = await freePorts(1);
  const config: SandboxConfig = {
    folder,
    databaseUrl: services.databaseUrl,
    redisUrl: services.redisUrl,
    ports: { database: 0, cache: 0, edge: 0, backend: [port, port, port] },
    basePath: '/v1',
    jwtSigningKey: 'only known to the tests, and long enough',
    examModeStatus: 423,
    revision: 'R2',
    students: 1,
    ...more,
  };
  writeJson(join(folder, 'config.json'), config);
  const [command = '', ...examctl] = program;
  const args = [...examctl, 'internal', 'sandbox-backend-workers', '--config', join(folder, 'config.json')];
  child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      said += chunk;
    });
  }
  return `http://127.0.0.1:${port}`;
}

/** Process ids of those that serve this test's folder. */
function workers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const command = commandOf(pid);
      return command.includes(join(folder, 'config.json')) && command.includes('--instance');
    })
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function allListening(times: number): Promise<void> {
  await until(async () => said.split('Uvicorn running').length - 1 >= times, 60);
}

function exited(): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

describe.skipIf(process.platform !== 'linux')('workers behind one port', { timeout: 120_000 }, () => {
  it('answer there, and one that is killed is replaced while the others answer', async () => {
    const address = await start();
    await allListening(3);
    const before = workers();
    expect(before).toHaveLength(3);

    process.kill(before[0] ?? 0, 'SIGKILL');

    expect(await statusOf(`${address}/health`)).toBe(200);
    await allListening(4);
    expect(workers()).toHaveLength(3);
    expect(workers()).not.toContain(before[0]);
    expect(said).toContain(`Child process [${before[0]}] died: SIGKILL`);
  });

  it('end with their parent, which SIGTERM ends in order', async () => {
    await start();
    await allListening(3);
    const ended = exited();

    child.kill('SIGTERM');

    expect(await ended).toBe(0);
    expect(workers()).toEqual([]);
  });

  it('end when their parent is killed', async () => {
    await start();
    await allListening(3);

    child.kill('SIGKILL');

    await until(async () => workers().length === 0, 60);
  });

  it('end with 3 when Redis is required and is not there at the start', async () => {
    const [nobody = 0] = await freePorts(1);
    await start({ redisRequired: true, redisUrl: `redis://127.0.0.1:${nobody}/0` });

    expect(await exited()).toBe(3);
    expect(said).toContain('Redis is required');
  });
});
