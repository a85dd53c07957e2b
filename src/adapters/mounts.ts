import { closeSync, constants, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Undetermined } from '../lifecycle/errors.ts';
import { readProcFile } from './processes.ts';

/** A file system in memory that a process has mounted. */
export interface MemoryMount {
  /** as the process sees it: "/scratch" */
  readonly path: string;
  readonly bytes: number;
}

/** More than this is no scratch space: a tmpfs without a size of its own may take half of the machine's memory. */
export const largestMount = 1_073_741_824;

/** statfs(2): TMPFS_MAGIC */
const tmpfs = 0x01021994;

const systemPaths = /^\/(dev|proc|sys|run\/secrets)(\/|$)/;

/** Those that may be filled without harm to the machine: tmpfs, writable, not the kernel's own. */
export function memoryMountsOf(pid: number): MemoryMount[] {
  const lines = (readProcFile(`/proc/${pid}/mountinfo`) ?? '').trim().split('\n');
  return lines.flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , path = '', options = ''] = before.split(' ');
    const isWritable = options.split(',').includes('rw');
    if (!after.startsWith('tmpfs ') || systemPaths.test(path) || !isWritable) return [];
    const { blocks, bsize } = statfsSync(join(`/proc/${pid}/root`, path));
    return [{ path, bytes: blocks * bsize }];
  });
}

/** Fills it by one file of this name until there is no space left. What is there already is filled up. */
export function fillMount(
  pid: number,
  { path, bytes }: MemoryMount,
  name: string,
  signal: AbortSignal,
): void {
  if (bytes > largestMount) {
    throw new Undetermined(
      `${path} has ${Math.round(bytes / 1_048_576)} MiB, which would take this machine's memory`,
      {
        hint: `only a tmpfs of at most ${largestMount / 1_048_576} MiB is filled: give it a size`,
      },
    );
  }
  const { O_CREAT, O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  const folder = join(`/proc/${pid}/root`, path);
  const file = openSync(join(folder, name), O_CREAT | O_WRONLY | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    // what was a mount a moment ago must not be the disk by now
    if (statfsSync(`/proc/self/fd/${file}`).type !== tmpfs)
      throw new Undetermined(`${path} is no tmpfs any more: what holds it may be the disk of this machine`);
    for (const size of [1_048_576, 4_096]) writeUntilFull(file, Buffer.alloc(size), signal);
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, chunk: Buffer, signal: AbortSignal): void {
  try {
    for (let written = 0; written <= largestMount; written += chunk.length) {
      signal.throwIfAborted();
      if (writeSync(file, chunk) < chunk.length) return;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
  }
}

export function isFilled(pid: number, path: string, name: string): boolean {
  return statSync(join(`/proc/${pid}/root`, path, name), { throwIfNoEntry: false }) !== undefined;
}

export function emptyMount(pid: number, path: string, name: string): void {
  rmSync(join(`/proc/${pid}/root`, path, name), { force: true });
}
