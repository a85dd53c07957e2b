import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PoolSamples, watchPool } from '../collectors/watch-pool.ts';
import type { Environment, InstanceStats } from '../lifecycle/environment.ts';
import { isExpected } from '../lifecycle/errors.ts';

/** How much of something was used at the busiest moment of a load. */
export interface ResourceUse {
  /** "database pool", "processor of backend-1", "processor of this machine" */
  readonly resource: string;
  /** 1: all of it */
  readonly share: number;
  /** "processor of backend-1, 97 % of a core" */
  readonly text: string;
}

export interface ResourceWatch {
  stop(): void;
  /** most used first; what could not be looked at is not there */
  use(): Promise<ResourceUse[]>;
}

const everyMs = 1_000;

/** Looks at the database pool and at the processor time of each service, once a second. */
export function watchResources(environment: Environment, signal: AbortSignal): ResourceWatch {
  const stopping = new AbortController();
  const until = AbortSignal.any([signal, stopping.signal]);
  const pool = watchPool(environment, { everyMs, signal: until });
  const processors = watchProcessors(environment, until);
  // they may fail long before they are waited for
  for (const watch of [pool, processors]) watch.catch(() => undefined);
  return {
    stop: () => stopping.abort(),
    use: async () =>
      [...poolUses(await pool), ...processorUses(await processors)].sort((a, b) => b.share - a.share),
  };
}

async function watchProcessors(
  { driver }: Environment,
  signal: AbortSignal,
): Promise<readonly (readonly InstanceStats[])[]> {
  const looks: InstanceStats[][] = [];
  while (!signal.aborted) {
    try {
      looks.push(await driver.stats());
    } catch (error) {
      // a look that is missed is no end
      if (!isExpected(error)) throw error;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return looks;
}

function poolUses({ maximumShare, capacity }: PoolSamples): ResourceUse[] {
  if (maximumShare === null) return [];
  const text = `database pool, ${percent(maximumShare)} of ${capacity.connections} connections`;
  return [{ resource: 'database pool', share: maximumShare, text }];
}

/** Of each instance, to the cores that it may use; a moment's peak says less than what was so most of the time. */
function processorUses(looks: readonly (readonly InstanceStats[])[]): ResourceUse[] {
  const cores = availableParallelism();
  const byInstance = new Map<string, number[]>();
  for (const { id, cpu } of looks.flat())
    if (cpu !== null) byInstance.set(id, [...(byInstance.get(id) ?? []), cpu]);
  const uses = [...byInstance].map(([id, seen]) => ({ id, cpu: upperHalf(seen) }));
  const sum = uses.reduce((total, { cpu }) => total + cpu, 0);
  return [
    ...uses.map(({ id, cpu }) => ({
      resource: `processor of ${id}`,
      share: Math.min(1, cpu),
      text: `processor of ${id}, ${percent(cpu)} of a core`,
    })),
    {
      resource: 'processor of this machine',
      share: sum / cores,
      text: `processors of all services, ${sum.toFixed(1)} of ${cores} cores`,
    },
  ];
}

/** The mean of the busier half. */
function upperHalf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => b - a).slice(0, Math.max(1, Math.ceil(values.length / 2)));
  return sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
