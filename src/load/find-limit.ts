import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { LoadResult } from './load-result.ts';
import type { LoadPorts } from './ports.ts';
import { type ResourceUse, watchResources } from './resource-use.ts';
import { type LoadOptions, runLoad } from './run-load.ts';

/** One try with a number of students. */
export interface LimitStep {
  readonly students: number;
  /**
   * `pass`: the platform carries so many. `fail`: a threshold is crossed. `unknown`: something else was not as it has to
   * be, such as a load generator that was late, or identities that were rate limited.
   */
  readonly outcome: 'pass' | 'fail' | 'unknown';
  /** why it is not `pass` */
  readonly because: string | null;
  readonly requests: number;
  readonly errorRate: number;
  readonly p95: number | null;
  /** most used first */
  readonly resources: readonly ResourceUse[];
  readonly folder: string;
}

export interface FoundLimit {
  /** the most that were carried; 0: not even the first step was */
  readonly carried: number;
  /** the fewest that were not; null: there are no more students to try with */
  readonly crossedAt: number | null;
  /** what was used most when the limit was crossed; null: nothing that was looked at was used much */
  readonly bottleneck: ResourceUse | null;
  readonly steps: readonly LimitStep[];
  readonly outcome: OutcomeRecord;
}

export interface FindLimitOptions extends Omit<LoadOptions, 'identities'> {
  /** students of the first step */
  readonly from: number;
  onStep?(step: LimitStep): void;
}

/** A step is tried until the limit is known to a tenth. */
const precision = 0.1;
/** the platform finishes what it has been given, and pools shrink */
const restMs = 3_000;

/** Doubles the students until a threshold is crossed, then halves the distance. */
export async function findLimit(options: FindLimitOptions, ports: LoadPorts): Promise<FoundLimit> {
  const all = await options.environment.identities(100_000);
  if (options.from > all.length) {
    throw new UsageError(
      `${options.environment.name} has ${all.length} identities for load, fewer than the first step needs`,
      {
        hint: `run it with --students ${all.length}`,
      },
    );
  }
  const steps: LimitStep[] = [];
  let carried = 0;
  let crossedAt: number | null = null;
  for (let next: number | null = options.from; next !== null && !options.signal.aborted; ) {
    if (steps.length > 0) await sleep(restMs, undefined, { signal: options.signal });
    const step = await tryStep(next, rotated(all, steps.length), options, ports);
    steps.push(step);
    options.onStep?.(step);
    // it says nothing about the platform, and would not with more students either
    if (step.outcome === 'unknown') break;
    if (step.outcome === 'pass') carried = next;
    else crossedAt = next;
    next = nextStep(carried, crossedAt, all.length);
  }
  return found(steps, carried, crossedAt);
}

export function nextStep(carried: number, crossedAt: number | null, most: number): number | null {
  if (crossedAt === null) return carried >= most ? null : Math.min(2 * carried, most);
  const distance = crossedAt - carried;
  if (distance <= Math.max(1, precision * crossedAt)) return null;
  return carried + Math.floor(distance / 2);
}

/** Others for each step where there are enough: a student may create ten sessions a minute only. */
function rotated(all: readonly Identity[], step: number): Identity[] {
  const first = (step * Math.ceil(all.length / 3)) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

async function tryStep(
  students: number,
  identities: readonly Identity[],
  options: FindLimitOptions,
  ports: LoadPorts,
): Promise<LimitStep> {
  const folder = join(options.folder, `students-${students}`);
  const watching = watchResources(options.environment, options.signal);
  let result: LoadResult;
  try {
    const overrides = { ...options.overrides, students };
    result = await runLoad({ ...options, identities, overrides, folder }, ports);
  } finally {
    watching.stop();
  }
  const crossed = result.outcomes.find(({ id, outcome }) => isThreshold(id) && outcome === 'fail');
  const bad = crossed ?? result.outcomes.find(({ outcome }) => outcome !== 'pass' && outcome !== 'warn');
  return {
    students,
    outcome: crossed !== undefined ? 'fail' : bad !== undefined ? 'unknown' : 'pass',
    because: bad?.message ?? null,
    requests: result.requests,
    errorRate: result.errorRate,
    p95: result.latency?.p95 ?? null,
    resources: await watching.use(),
    folder,
  };
}

function isThreshold(id: string): boolean {
  return id === 'load-p95-latency' || id === 'load-error-rate';
}

/** What is used less than that does not slow others down. */
const busyShare = 0.7;

export function found(steps: readonly LimitStep[], carried: number, crossedAt: number | null): FoundLimit {
  const crossing = steps.find(({ students }) => students === crossedAt);
  const unclear = steps.find(({ outcome }) => outcome === 'unknown');
  const mostUsed = crossing?.resources[0];
  const bottleneck = mostUsed !== undefined && mostUsed.share >= busyShare ? mostUsed : null;
  const about = { id: 'load-limit', title: 'how many students the environment carries' };
  const limit = { carried, crossedAt, bottleneck, steps };
  const said = crossing === undefined ? '' : `; with ${crossedAt}: ${crossing.because}`;
  const first =
    mostUsed === undefined
      ? ''
      : bottleneck === null
        ? `; nothing that was looked at was busy, the most: ${mostUsed.text}`
        : `; first bottleneck: ${bottleneck.text}`;
  if (unclear !== undefined || steps.length === 0) {
    const why = unclear === undefined ? 'no step was made' : `with ${unclear.students}: ${unclear.because}`;
    const message = `at least ${carried} students; ${why}`;
    return { ...limit, outcome: { ...about, outcome: 'unknown', message } };
  }
  if (carried === 0) {
    const message = `not even ${crossedAt} student${crossedAt === 1 ? '' : 's'}${said}${first}`;
    return {
      ...limit,
      outcome: { ...about, outcome: 'fail', message, hint: 'begin with fewer: --students 5' },
    };
  }
  const message =
    crossedAt === null
      ? `${carried} students, and there are no more to try with`
      : `${carried} students${said}${first}`;
  return { ...limit, outcome: { ...about, outcome: 'pass', message } };
}
