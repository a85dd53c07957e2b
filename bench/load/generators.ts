import { type ChildProcess, spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLoadHttp } from '../../src/adapters/http-load.ts';
import { findK6, runK6 } from '../../src/adapters/k6.ts';
import { runLoadWorker } from '../../src/adapters/load-workers.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { processStat } from '../../src/adapters/processes.ts';
import type { LoadPlan } from '../../src/load/load-plan.ts';
import { type Bench, type Figure, figure, median } from '../measure.ts';

interface Taken {
  readonly requests: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Generator {
  readonly name: string;
  run(size: Size): Promise<Taken>;
  readonly goal?: number;
}

interface Size {
  readonly students: number;
  readonly answers: number;
}

const ticksPerSecond = 100;

/** CPU of the generator for each request, against an API that answers at once. */
export const loadGenerators: Bench = {
  id: 'load-generators',
  title: 'CPU for each request, with and without the ledger, to that of wrk (apt-get install wrk)',
  run: async ({ smoke }) => {
    const target = spawn(process.execPath, [join(packageRoot(), 'bench/load/target.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-load-'));
    try {
      const [port] = (await once(target.stdout, 'data')) as [Buffer];
      const url = `http://127.0.0.1:${String(port).trim()}`;
      const generators = await generatorsFor(url, folder);
      return await figuresOf(
        generators,
        smoke ? { students: 5, answers: 200 } : { students: 50, answers: 600 },
        smoke ? 1 : 5,
      );
    } finally {
      target.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function figuresOf(generators: readonly Generator[], size: Size, rounds: number): Promise<Figure[]> {
  const seen = generators.map((): Taken[] => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, generator] of generators.entries()) seen[index]?.push(await generator.run(size));
  const cpuOf = (taken: readonly Taken[]) =>
    median(taken.map(({ cpuSeconds, requests }) => (1e6 * cpuSeconds) / requests));
  const first = cpuOf(seen[0] ?? []);
  return generators.flatMap(({ name, goal }, index) => {
    const taken = seen[index] ?? [];
    const cpu = cpuOf(taken);
    const rate = Math.round(median(taken.map(({ requests, seconds }) => requests / seconds)));
    return [
      figure({
        name: `${name} (${rate} requests/s)`,
        unit: 'us',
        median: cpu,
        n: taken.length,
        ratio: index === 0 ? null : cpu / first,
        goal: goal ?? null,
      }),
    ];
  });
}

async function generatorsFor(url: string, folder: string): Promise<Generator[]> {
  const generators: Generator[] = [];
  const hasWrk = await isInstalled('wrk');
  if (hasWrk) generators.push({ name: 'wrk, one connection a student', run: (size) => wrk(url, size) });
  else
    console.error(
      'load-generators: without wrk: it is not installed, so that ratios are to the built-in engine',
    );
  generators.push(
    {
      name: 'built-in engine, the bare request',
      run: (size) => bare(url, size),
      ...(hasWrk && { goal: 2 }),
    },
    { name: 'built-in engine, with the ledger', run: (size) => builtin(url, folder, size) },
  );
  const k6 = await findK6(process.env);
  if ('missing' in k6) console.error(`load-generators: without k6: ${k6.missing}`);
  else
    for (const [name, scripts] of [
      ['k6, with the ledger', join(packageRoot(), 'k6')],
      ['k6, without', join(packageRoot(), 'bench/load/k6')],
    ] as const)
      generators.push({ name, run: (size) => withK6(k6.binary, scripts, url, folder, size) });
  return generators;
}

function planOf(baseUrl: string, { students, answers }: Size): LoadPlan {
  return {
    scenario: 'answers',
    profile: 'smoke',
    baseUrl,
    refreshPath: '/refresh',
    leadInSeconds: 0,
    windowStart: null,
    seconds: 120,
    graceSeconds: 10,
    requestTimeoutSeconds: 10,
    thresholds: { p95Ms: 1e9, errorRate: 1 },
    students: Array.from({ length: students }, (_, index) => ({
      number: index + 1,
      token: 'a.token',
      refreshToken: null,
      tokenExpiresAt: null,
      createAt: 0,
      session: { mode: 'EXAM', year: 1, blocks: ['A'], count: 1, duration_seconds: 600 },
      answers: Array.from({ length: answers }, () => ({ at: 0, question: 0, selectedIndex: 1 })),
      submitAt: null,
      submitTwice: false,
    })),
  };
}

/** As many at once as there are students, with nothing written down. */
async function bare(url: string, { students, answers }: Size): Promise<Taken> {
  const http = openLoadHttp({ baseUrl: url, connections: students, timeoutSeconds: 10 });
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const [began, before] = [performance.now(), process.cpuUsage()];
  await Promise.all(
    Array.from({ length: students }, async () => {
      for (let number = 0; number < answers; number += 1) {
        const { status } = await http.request({ method: 'GET', path: '/sessions', token: 'a.token', signal });
        if (status !== 200) throw new Error(`the target answered with ${status}`);
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  await http.close();
  const seconds = (performance.now() - began) / 1000;
  return { requests: students * answers, seconds, cpuSeconds: (user + system) / 1e6 };
}

async function builtin(url: string, folder: string, size: Size): Promise<Taken> {
  let requests = 0;
  const began = performance.now();
  const { busyCores } = await runLoadWorker([process.execPath, join(packageRoot(), 'bin/examctl.js')], {
    plan: planOf(url, size),
    ledgerFile: join(folder, 'builtin-ledger.ndjson'),
    signal: new AbortController().signal,
    onFailure: () => undefined,
    onSample: () => {
      requests += 1;
    },
  });
  return takenBy(requests, began, busyCores);
}

async function withK6(
  binary: string,
  scriptsFolder: string,
  url: string,
  folder: string,
  size: Size,
): Promise<Taken> {
  let requests = 0;
  const began = performance.now();
  const { busyCores } = await runK6(
    {
      binary,
      script: 'answers',
      plan: planOf(url, size),
      ledgerFile: join(folder, 'k6-ledger.ndjson'),
      signal: new AbortController().signal,
      timeoutSeconds: 300,
      onFailure: () => undefined,
      onSample: () => {
        requests += 1;
      },
    },
    { scriptsFolder, env: process.env },
  );
  return takenBy(requests, began, busyCores);
}

function takenBy(requests: number, began: number, busyCores: number | null): Taken {
  const seconds = (performance.now() - began) / 1000;
  return { requests, seconds, cpuSeconds: (busyCores ?? Number.NaN) * seconds };
}

async function wrk(url: string, { students, answers }: Size): Promise<Taken> {
  const seconds = Math.max(1, Math.min(5, (students * answers) / 5_000));
  const args = [
    '--threads',
    '1',
    '--connections',
    `${students}`,
    '--duration',
    `${seconds}s`,
    `${url}/sessions`,
  ];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const cpuSeconds = cpuOfEnded(child);
  await once(child, 'close');
  const requests = Number(/(\d+) requests in/.exec(said)?.[1]);
  return { requests, seconds, cpuSeconds: cpuSeconds() };
}

/** By the last look before it ended. */
function cpuOfEnded(child: ChildProcess): () => number {
  let ticks = Number.NaN;
  const look = setInterval(() => {
    ticks = processStat(child.pid ?? 0)?.ticks ?? ticks;
  }, 20);
  child.once('close', () => clearInterval(look));
  return () => ticks / ticksPerSecond;
}

async function isInstalled(program: string): Promise<boolean> {
  const child = spawn('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number];
  return code === 0;
}
