import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './engine.ts';

export interface ContainerUse {
  /** share of one core: 0.5 is half a core; null until there are two samples */
  readonly cpu: number | null;
  /** without the cache of files; null when the container does not run */
  readonly memoryBytes: number | null;
}

/** What is used of one sample of GET /containers/ID/stats. */
interface Sample {
  readonly cpu_stats: Cpu;
  readonly precpu_stats: Cpu;
  readonly memory_stats: {
    readonly usage?: number;
    readonly stats?: { readonly total_inactive_file?: number; readonly inactive_file?: number };
  };
}

interface Cpu {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** Milliseconds for the first sample: old engines take a second for one. */
const firstWithin = 3_000;

/**
 * Keeps a stream of statistics open for each container that it was asked about, so that only the first look waits: the
 * engine needs a second for a single sample, and sends one a second by itself.
 */
export function containerStats(engine: Engine) {
  const watched = new Map<string, { last: ContainerUse | undefined; stop: AbortController }>();
  const watch = (id: string) => {
    const entry = { last: undefined as ContainerUse | undefined, stop: new AbortController() };
    watched.set(id, entry);
    void follow(engine, id, entry.stop.signal, (use) => {
      entry.last = use;
    }).finally(() => watched.delete(id));
    return entry;
  };
  return {
    /** null: it gave none in time, as one that does not run */
    async of(id: string): Promise<ContainerUse | null> {
      const entry = watched.get(id) ?? watch(id);
      const deadline = performance.now() + firstWithin;
      while (entry.last === undefined && watched.has(id) && performance.now() < deadline) await sleep(20);
      return entry.last ?? null;
    },
    stop(): void {
      for (const { stop } of watched.values()) stop.abort();
    },
  };
}

async function follow(
  engine: Engine,
  id: string,
  signal: AbortSignal,
  onUse: (use: ContainerUse) => void,
): Promise<void> {
  try {
    let rest = '';
    for await (const chunk of await engine.stream({
      path: `/containers/${id}/stats`,
      query: { stream: true },
      background: true,
      signal,
    })) {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onUse(useOf(JSON.parse(line) as Sample));
    }
  } catch {
    // A container that is gone has no use; whoever asks sees that in its state.
    if (!signal.aborted) onUse({ cpu: null, memoryBytes: null });
  }
}

export function useOf({ cpu_stats: now, precpu_stats: before, memory_stats: memory }: Sample): ContainerUse {
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const cpu =
    before.system_cpu_usage === undefined || system <= 0 || now.online_cpus === undefined
      ? null
      : Math.max(0, (own / system) * now.online_cpus);
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  return { cpu, memoryBytes: memory.usage === undefined ? null : Math.max(0, memory.usage - cache) };
}
