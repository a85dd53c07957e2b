import { systemClock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { ExamctlError, messageOf } from '../lifecycle/errors.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type PoolCapacity, type PoolUse, poolCapacity, poolUse, readConnections } from './pool-use.ts';

export interface PoolSample extends PoolUse {
  readonly at: Date;
}

export interface MissedSample {
  readonly at: Date;
  readonly reason: string;
  /** the server had no connection left: nothing was read, and yet something was seen */
  readonly serverFull: boolean;
}

export interface PoolSamples {
  readonly capacity: PoolCapacity;
  readonly samples: readonly PoolSample[];
  readonly missed: readonly MissedSample[];
  /** the most that was in use at one time, as a share of what the backend may open; null when nothing was read */
  readonly maximumShare: number | null;
  /** the same of the busiest single worker; null when workers cannot be told apart */
  readonly maximumWorkerShare: number | null;
}

/** SQLSTATE too_many_connections */
const serverFullCode = '53300';

/** Looks at the pool again and again until the signal is aborted; then tells what was seen. A missed look is no end. */
export async function watchPool(
  environment: Environment,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
): Promise<PoolSamples> {
  const samples: PoolSample[] = [];
  const missed: MissedSample[] = [];
  let capacity: PoolCapacity | undefined;
  while (!signal.aborted) {
    const at = new Date();
    const started = performance.now();
    try {
      capacity ??= await poolCapacity(environment);
      const { groups } = await readConnections(environment);
      samples.push({ at, ...poolUse(groups, capacity) });
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (!(error instanceof ExamctlError) && code === undefined) throw error;
      missed.push({ at, reason: messageOf(error), serverFull: code === serverFullCode });
    }
    await systemClock.sleep(Math.max(0, everyMs - (performance.now() - started)), signal);
  }
  return {
    capacity: capacity ?? { workers: 0, perWorker: environment.platform.poolPerWorker, connections: 0 },
    samples,
    missed,
    maximumShare: maximum(samples.map(({ share }) => share)),
    maximumWorkerShare: maximum(samples.map(({ worstWorkerShare }) => worstWorkerShare)),
  };
}

/** Whether the pool kept below the threshold (0..1) while it was watched. */
export function judgePool(
  { capacity, samples, missed, maximumShare }: PoolSamples,
  threshold: number,
): OutcomeRecord {
  const record = { id: 'db-pool', title: `the connection pool stays below ${percent(threshold)}` };
  const full = missed.filter(({ serverFull }) => serverFull).length;
  if (full > 0) {
    return {
      ...record,
      outcome: 'fail',
      message: `the server had no connection left ${full} times`,
      hint: 'see who holds them: SELECT application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2',
    };
  }
  if (maximumShare === null) {
    const [first] = missed;
    const reason = first === undefined ? 'it was never looked at' : first.reason;
    return { ...record, outcome: 'unknown', message: reason };
  }
  const most = Math.max(...samples.map(({ used }) => used));
  const gaps = missed.length === 0 ? '' : `, ${missed.length} looks failed`;
  const message = `at most ${most} of ${capacity.connections} connections in use (${percent(maximumShare)}) in ${samples.length} looks${gaps}`;
  if (maximumShare < threshold) return { ...record, outcome: 'pass', message };
  return {
    ...record,
    outcome: 'fail',
    message,
    hint: 'one that is idle in a transaction for long was not given back: look at state and state_change in pg_stat_activity',
  };
}

function maximum(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (most, value) => (value === null ? most : Math.max(most ?? value, value)),
    null,
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
