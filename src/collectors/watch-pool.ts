import { systemClock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { isExpected, messageOf } from '../lifecycle/errors.ts';
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
      if (!isExpected(error)) throw error;
      const serverFull = (error as { code?: unknown }).code === serverFullCode;
      missed.push({ at, reason: messageOf(error), serverFull });
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

function maximum(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (most, value) => (value === null ? most : Math.max(most ?? value, value)),
    null,
  );
}
