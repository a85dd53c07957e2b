import { type SpawnOptions, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/adapters/package-root.ts';
import { makeStateFolder } from '../test/support/temporary-folder.ts';

export interface Figure {
  readonly name: string;
  readonly unit: 'us' | 'ms' | 's' | 'MB';
  /** of n rounds */
  readonly median: number;
  readonly n: number;
  /** median to the baseline's median of the same run; null for the baseline itself */
  readonly ratio: number | null;
  /** what the ratio, or the median where there is none, should not exceed; null: no goal is set */
  readonly goal: number | null;
}

export interface Rounds {
  /** one round only, to see that the bench works */
  readonly smoke: boolean;
}

export interface Bench {
  readonly id: string;
  readonly title: string;
  run(rounds: Rounds): Promise<readonly Figure[]>;
}

export interface Subject {
  readonly name: string;
  /** in the unit of the bench */
  measure(): Promise<number>;
  /** for the ratio */
  readonly goal?: number;
  /** name of the subject to whose median its own is compared; default the first */
  readonly baseline?: string;
}

/** A B C A B C ...: a machine that gets slower meanwhile slows all of them. */
export async function interleaved(
  subjects: readonly Subject[],
  { rounds, warmUp, unit }: { readonly rounds: number; readonly warmUp: number; readonly unit: 'ms' | 's' },
): Promise<Figure[]> {
  const seen = subjects.map((): number[] => []);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      const value = await subject.measure();
      if (round >= 0) seen[index]?.push(value);
    }
  }
  const medians = new Map(subjects.map(({ name }, index) => [name, median(seen[index] ?? [])]));
  const first = subjects[0]?.name ?? '';
  return subjects.map(({ name, goal, baseline = first }) => {
    const own = medians.get(name) ?? Number.NaN;
    const ratio = name === baseline ? null : own / (medians.get(baseline) ?? Number.NaN);
    return figure({ name, unit, median: own, n: rounds, ratio, goal: goal ?? null });
  });
}

/** A bench that could not measure must not print a number. */
export function figure(made: Figure): Figure {
  if (Number.isFinite(made.median) && made.median > 0 && Number.isFinite(made.ratio ?? 0)) return made;
  throw new Error(`${made.name} could not be measured: median ${made.median}, ratio ${made.ratio}`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

export async function milliseconds(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

/** Runs a program to its end; rejects when its exit code is none of these. */
export async function ended(
  command: string,
  args: readonly string[],
  { exitCodes = [0], ...options }: SpawnOptions & { exitCodes?: readonly number[] } = {},
): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code === null || !exitCodes.includes(code))
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said}`);
}

/** examctl with a state folder of its own, as a user starts it. */
export class Installed {
  readonly state: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.state = env.EXAMCTL_STATE ?? makeStateFolder('examctl-bench-');
    this.#env = { ...benchEnvironment(), EXAMCTL_STATE: this.state, ...env };
  }

  run(args: readonly string[], options: { exitCodes?: readonly number[]; cwd?: string } = {}): Promise<void> {
    return ended(process.execPath, [join(packageRoot(), 'bin/examctl.js'), ...args], {
      env: this.#env,
      cwd: this.state,
      ...options,
    });
  }

  async remove(): Promise<void> {
    await this.run(['sandbox', 'down']);
    rmSync(this.state, { recursive: true, force: true });
  }
}

/** NODE_EXTRA_CA_CERTS alone makes `node -e 0` take more than twice as long. */
export function benchEnvironment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('EXAMCTL_')));
}
