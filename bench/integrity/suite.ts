import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { benchEnvironment } from '../measure.ts';
import type { GeneratedDatabase } from './generate.ts';

export interface SuiteRun {
  /** of the whole process */
  readonly seconds: number;
  /** the most that it had in memory */
  readonly megabytes: number;
}

/** The verdicts of the eight scripted checks, without what they cannot see: no recount, no join of two big tables. */
const verdicts = [
  'constraints-valid',
  'contradictory-submits',
  'inconsistent-status',
  'orphaned-answers',
  'orphaned-events',
  'overdue-sessions',
  'late-submits',
  'question-count',
  'repeated-mastery-runs',
  'unscored-sessions',
];

const configuration = `environments:
  bench:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "http://127.0.0.1:1" }
    database: { url: "\${env:BENCH_DATABASE_URL}" }
`;

/** Runs examctl as a user does, with a configuration that names the database, and a state folder of its own. */
export function operatorOf(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-'));
  writeFileSync(join(folder, 'examctl.yaml'), configuration);
  const env = { ...benchEnvironment(), EXAMCTL_STATE: folder, BENCH_DATABASE_URL: url };
  return {
    run: (args: readonly string[], { exitCode }: { readonly exitCode: number }) =>
      measured([join(packageRoot(), 'bin/examctl.js'), ...args], { cwd: folder, env, exitCode }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs `examctl integrity check`, and sees that it found exactly what was planted. */
export function suiteRunner({ url, expected }: Pick<GeneratedDatabase, 'url' | 'expected'>) {
  const { run, remove } = operatorOf(url);
  return {
    async run(suite: string): Promise<SuiteRun> {
      const which = suite === 'verdicts' ? verdicts.flatMap((id) => ['--check', id]) : ['--suite', suite];
      const { stdout, ...figures } = await run(
        ['integrity', 'check', ...which, '--connections', '2', '-o', 'json'],
        { exitCode: 1 },
      );
      verify(stdout, expected.findings);
      return figures;
    },
    remove,
  };
}

interface Printed {
  readonly outcomes: readonly {
    readonly id: string;
    readonly severity: string;
    readonly findings: number | null;
  }[];
}

function verify(stdout: string, planted: Readonly<Record<string, number>>): void {
  const { outcomes } = JSON.parse(stdout) as Printed;
  // Most answers of the generated sessions have no event, so it would tell of millions.
  const judged = outcomes.filter(({ id, severity }) => severity !== 'info' && id !== 'unlogged-writes');
  const wrong = judged.filter(({ id, findings }) => findings !== (planted[id] ?? 0));
  if (judged.length === 0) throw new Error('no check was made');
  if (wrong.length > 0) {
    const words = wrong.map(({ id, findings }) => `${id} found ${findings}, planted are ${planted[id] ?? 0}`);
    throw new Error(words.join('; '));
  }
}

async function measured(
  args: readonly string[],
  {
    exitCode,
    ...options
  }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly exitCode: number },
): Promise<SuiteRun & { readonly stdout: string }> {
  const begin = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let megabytes = 0;
  const watching = setInterval(() => {
    megabytes = Math.max(megabytes, peakMemory(child.pid));
  }, 25);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    megabytes = Math.max(megabytes, peakMemory(child.pid));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearInterval(watching);
  if (code !== exitCode)
    throw new Error(`examctl ${args.slice(1).join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return { seconds: (performance.now() - begin) / 1000, megabytes, stdout };
}

/** Linux keeps the highest that it was. */
function peakMemory(pid: number | undefined): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) / 1000;
  } catch {
    return 0;
  }
}
