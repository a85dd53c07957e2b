import { spawn } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import { faults } from '../../src/faults/index.ts';
import { valuesOf } from '../../src/faults/parameters.ts';
import { possibilityOf } from '../../src/faults/possibility.ts';
import { contextOfOpened } from '../../src/library/opened.ts';
import type { Environment, Snapshot } from '../../src/lifecycle/environment.ts';
import { type Journal, plansAtWork, runFinish } from '../../src/lifecycle/journal.ts';
import { differencesOf } from '../../src/lifecycle/snapshot.ts';
import { coveringSample, isFull } from './sample.ts';

/** A fault and its parameters: ["network-delay", "to=database"]. */
export type FaultCase = readonly [fault: string, ...set: string[]];

/** How a fault is cut short: who is killed, or what the run is sent. */
const endings = [
  'run killed',
  'guardian killed',
  'both killed',
  'SIGTERM',
  'SIGHUP',
  'Ctrl-C twice',
] as const;
type Ending = (typeof endings)[number];

/** One environment in which cases are tried one after another. */
export interface Lane {
  readonly state: string;
  /** the configuration file; undefined: the sandbox that is there without one */
  readonly config?: string;
  readonly environment: Environment;
  /** for processes of examctl */
  readonly env: Record<string, string>;
}

/** Right after each line of the journal is on disk. */
const afterLines = [
  'change.started+',
  'change.applied+',
  'change.verified+',
  'revert.started+',
  'revert.verified+',
  'state.proven+',
];
/** Before a line that announces what the run has just done: whoever finds the journal has to expect that it was. */
const beforeLines = ['change.applied-', 'revert.verified-'];
/** Before anything is changed, or when all is done: the same for all faults, so they are tried with one that is soon over. */
const soonOver = 'redis-hang';
const withGuardian = ['change.started-', 'run.finished+'];
const withoutGuardian = ['run.started+', 'lock.taken+', 'plan.made+'];
/** While the fault holds. */
const held = 'change.verified+';

function momentsOf(ending: Ending, fault: string): readonly string[] {
  const ofAll = fault === soonOver ? withGuardian : [];
  switch (ending) {
    case 'run killed':
      return [...(fault === soonOver ? withoutGuardian : []), ...ofAll, ...afterLines, ...beforeLines];
    case 'both killed':
      return [...ofAll, ...afterLines, ...beforeLines];
    case 'guardian killed':
      return [...ofAll, ...afterLines];
    default:
      return [held];
  }
}

/** For kill-at-line.cjs. */
const killing: Readonly<Record<Ending, Record<string, string>>> = {
  'run killed': { KILL_WHO: 'run' },
  'guardian killed': { KILL_WHO: 'guardian' },
  'both killed': { KILL_WHO: 'both' },
  SIGTERM: { KILL_BY: 'SIGTERM' },
  SIGHUP: { KILL_BY: 'SIGHUP' },
  'Ctrl-C twice': { KILL_BY: 'SIGINT', KILL_TIMES: '2' },
};

/**
 * Exit codes; null: by the signal itself. A run reverts at once when its guardian is gone; after the last proof there is
 * nothing left to lose. Who types Ctrl-C twice leaves the rest to the guardian, unless the run was faster.
 */
const endsWith: Readonly<Record<Ending, readonly (number | null)[]>> = {
  'run killed': [null],
  'guardian killed': [5, 0],
  'both killed': [null],
  SIGTERM: [143],
  SIGHUP: [143],
  'Ctrl-C twice': [6, 130],
};

export interface MatrixResult {
  readonly cases: number;
  readonly whole: number;
  /** what was not as before, in words */
  readonly broken: readonly string[];
}

/** Of all faults those that change something and can be made there; the others are printed with their reason. */
export async function possibleFaults(
  { environment }: Lane,
  driver: string,
  settings: Readonly<Record<string, readonly string[]>>,
): Promise<FaultCase[]> {
  const possible: FaultCase[] = [];
  for (const fault of faults) {
    const set = settings[fault.id] ?? [];
    const values = valuesOf(fault.parameters, set);
    const possibility = await possibilityOf(fault, environment, values);
    const changes = possibility.possible ? await fault.changes({ environment, values, seconds: 1 }) : [];
    if (changes.length > 0) possible.push([fault.id, ...set]);
    else {
      const reason = possibility.possible ? 'it changes nothing' : possibility.why;
      process.stdout.write(`crash matrix, ${driver}: without ${fault.id}: ${reason}\n`);
    }
  }
  return possible;
}

/**
 * Every fault, cut short at every moment in every way; without TEST_FULL a sample with each fault, each ending and each
 * moment in it. Lanes share the work.
 */
export async function crashMatrix(
  possible: readonly FaultCase[],
  lanes: readonly Lane[],
): Promise<MatrixResult> {
  const all = casesOf(possible);
  const open = isFull ? all : coveringSample(all, ({ fault: [id], moment, ending }) => [id, moment, ending]);
  const cases = open.length;
  const broken: string[] = [];
  const work = async (lane: Lane) => {
    const before = await lane.environment.driver.snapshot();
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const { fault, moment, ending } = next;
      const problem = await tryCase(next, lane, before);
      if (problem === undefined) continue;
      broken.push(`${fault.join(' ')}, ${ending} at ${moment}: ${problem}`);
      await mend(lane);
    }
  };
  await Promise.all(lanes.map(work));
  return { cases, whole: cases - broken.length, broken };
}

/** What one case has left must not fail the cases after it. */
async function mend(lane: Lane): Promise<void> {
  await runExamctl(['recover'], lane);
  await runExamctl(
    ['runs', 'unlock', '--break-glass', '--reason', 'a case of the crash matrix failed'],
    lane,
  );
}

interface Case {
  readonly fault: FaultCase;
  readonly moment: string;
  readonly ending: Ending;
}

/** CRASH_FAULTS=redis-hang,network-cut: only these. */
function casesOf(possible: readonly FaultCase[]): Case[] {
  const only = process.env.CRASH_FAULTS?.split(',');
  return possible
    .filter(([id]) => only?.includes(id) ?? true)
    .flatMap((fault) =>
      endings.flatMap((ending) => momentsOf(ending, fault[0]).map((moment) => ({ fault, moment, ending }))),
    );
}

/** Undefined when the environment is whole afterwards. */
async function tryCase(
  { fault, moment, ending }: Case,
  lane: Lane,
  before: Snapshot,
): Promise<string | undefined> {
  const folders = new RunFolders(lane.state);
  const earlier = folders.list();
  const { code, said } = await runFault(fault, lane, { KILL_AT: moment, ...killing[ending] });
  if (!endsWith[ending].includes(code)) return `it ended with ${code}: ${said}`;
  // their names tell the second, so the first is not always the latest
  const [run = ''] = folders.list().filter((name) => !earlier.includes(name));
  const journal = folders.journal(run);
  const isGuarded = (await journal.read()).some(({ type }) => type === 'guardian.ready');
  if (isGuarded && ending !== 'both killed') await untilFinished(journal);
  // nobody is left who would have taken its mark away
  if (folders.open().length > 0) {
    const problem = moment === held ? await recoverByCommand(lane) : await recoverHere(run, lane);
    if (problem !== undefined) return problem;
  }
  if (plansAtWork(await journal.read()).length > 0) return `${run} has something open`;
  const differences = differencesOf(before, await lane.environment.driver.snapshot());
  return differences.length === 0 ? undefined : differences.join('; ');
}

async function recoverByCommand(lane: Lane): Promise<string | undefined> {
  const { code, said } = await runExamctl(['recover'], lane);
  return code === 0 ? undefined : `recover ended with ${code}: ${said}`;
}

/** What the command does, without the start of a process. */
export async function recoverHere(run: string, { environment }: Lane): Promise<string | undefined> {
  const { left } = await contextOfOpened(environment).operator(environment).recover(run);
  return left.length === 0
    ? undefined
    : `recover left ${left.map(({ target, message }) => `${target}: ${message}`).join('; ')}`;
}

async function untilFinished(journal: Journal): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (runFinish(await journal.read()) === undefined && performance.now() < deadline) await sleep(50);
}

/** Bundled once, as it starts a thousand times. */
const programFolder = join(packageRoot(), '.tmp', `fault-run-${process.pid}`);

export async function buildFaultRun(): Promise<void> {
  const { build } = await import('esbuild');
  // @ts-expect-error: JavaScript, as it has to run before there is anything to run TypeScript with
  const { command } = await import('../../scripts/bundle-options.mjs');
  await build({
    ...command,
    entryPoints: ['test/support/fault-run-start.ts', 'test/support/fault-run.ts'],
    outdir: programFolder,
    outExtension: { '.js': '.cjs' },
  });
  symlinkSync(join(packageRoot(), 'dist/lib'), join(programFolder, 'lib'));
}

export function removeFaultRun(): void {
  rmSync(programFolder, { recursive: true, force: true });
}

export function runFault([fault, ...set]: FaultCase, lane: Lane, env: Record<string, string> = {}) {
  const preload = `--require=${join(packageRoot(), 'test/support/kill-at-line.cjs')}`;
  return run(
    [join(programFolder, 'fault-run-start.cjs'), lane.config ?? '', lane.environment.name, fault, ...set],
    lane,
    {
      NODE_OPTIONS: preload,
      ...env,
    },
  );
}

export function runExamctl(args: readonly string[], lane: Lane) {
  const where = lane.config === undefined ? [] : ['--config', lane.config];
  return run([join(packageRoot(), 'bin/examctl.js'), ...args, ...where], lane);
}

function run(
  args: readonly string[],
  { state, env }: Lane,
  more: Record<string, string> = {},
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, EXAMCTL_STATE: state, ...env, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve({ code, said: said.trim() }));
  });
}
