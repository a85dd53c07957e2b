import { childrenOf, processStat, readProcFile } from '../adapters/processes.ts';

export interface ProcessUse {
  /** clock ticks since its start, with those of its children */
  readonly ticks: number;
  readonly memoryBytes: number;
}

/** Of a process and its children, as PostgreSQL is one process for each connection; undefined when it is gone. */
export function readProcessUse(pid: number): ProcessUse | undefined {
  const own = processStat(pid);
  if (own === undefined) return undefined;
  const children = childrenOf(pid);
  const ticks = children.reduce((sum, child) => sum + (processStat(child)?.ticks ?? 0), own.ticks);
  const memories = [pid, ...children].map(readMemory);
  const shared = Math.max(...memories.map((memory) => memory.shared));
  const memoryBytes = memories.reduce((sum, memory) => sum + memory.own, shared);
  return { ticks, memoryBytes };
}

/** Shared memory is in the resident size of each process that touched it: it counts once. */
function readMemory(pid: number): { own: number; shared: number } {
  const status = readProcFile(`/proc/${pid}/status`) ?? '';
  const bytes = (field: string) =>
    Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1_024;
  return { own: bytes('RssAnon'), shared: bytes('RssShmem') + bytes('RssFile') };
}
