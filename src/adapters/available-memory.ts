import { freemem } from 'node:os';
import { readProcFile } from './processes.ts';

/** Bytes that programs can still have; where the system does not tell, those that nobody uses for anything. */
export function availableMemory(): number {
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(readProcFile('/proc/meminfo') ?? '')?.[1];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1_024;
}
