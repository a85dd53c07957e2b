import { closeSync, constants, fstatSync, lstatSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Undetermined } from '../lifecycle/errors.ts';
import { readProcFile } from './processes.ts';

/** A file system in memory that a process has mounted. */
export interface MemoryMount {
  /** as the process sees it: "/scratch" */
  readonly path: string;
  readonly bytes: number;
  /** the file system itself, wherever it is mounted: "0:73" */
  readonly device: string;
}

/** More than this is no scratch space: a tmpfs without a size of its own may take half of the machine's memory. */
export const largestMount = 1_073_741_824;

/** statfs(2): TMPFS_MAGIC */
const tmpfs = 0x01021994;

const systemPaths = /^\/(dev|proc|sys|run\/secrets)(\/|$)/;

/** Those that may be filled without harm to the machine: tmpfs, writable, not the kernel's own, not this machine's. */
export function memoryMountsOf(pid: number): MemoryMount[] {
  // a folder of the machine that is bound into a container, as /run often is, would be filled for the machine
  const ofMachine = new Set(
    (['self', 1] as const).flatMap((own) => mountsOf(own).map(({ device }) => device)),
  );
  return mountsOf(pid)
    .filter(({ type, path, isWritable }) => type === 'tmpfs' && isWritable && !systemPaths.test(path))
    .filter(({ device }) => !ofMachine.has(device))
    .flatMap(({ path, device }) =>
      inMount(
        pid,
        { path, device },
        (folder) => {
          const { blocks, bsize } = statfsSync(folder);
          return [{ path, device, bytes: blocks * bsize }];
        },
        [],
      ),
    );
}

/** Lines of proc_pid_mountinfo(5). */
function mountsOf(pid: number | 'self') {
  return (mountinfo(pid) ?? '')
    .trim()
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , device = '', , path = '', options = ''] = before.split(' ');
      const [type = ''] = after.split(' ');
      return { device, path: unescaped(path), isWritable: options.split(',').includes('rw'), type };
    });
}

function mountinfo(pid: number | 'self'): string | undefined {
  try {
    return readProcFile(`/proc/${pid}/mountinfo`);
  } catch (error) {
    // of the first process it is asked only to be on the safe side
    if (pid === 1) return undefined;
    throw new Undetermined(`the mounts of process ${pid} cannot be seen`, {
      hint: 'it takes root on the machine of the engine (sudo)',
      cause: error,
    });
  }
}

/** A blank in a path is written \040. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * `work` in the mount's own folder, held open: whoever may write in the container can put another folder, or a link to
 * one of the machine, at its path at any time.
 */
function inMount<Result>(
  pid: number,
  { path, device }: Pick<MemoryMount, 'path' | 'device'>,
  work: (folder: string) => Result,
  gone: Result,
): Result {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  let folder: number;
  try {
    folder = openSync(join(`/proc/${pid}/root`, path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH', 'ENOTDIR', 'ELOOP'].includes(code)) return gone;
    throw error;
  }
  try {
    const isIt =
      deviceOf(fstatSync(folder).dev) === device && statfsSync(`/proc/self/fd/${folder}`).type === tmpfs;
    return isIt ? work(`/proc/self/fd/${folder}`) : gone;
  } finally {
    closeSync(folder);
  }
}

/** As mountinfo writes it; glibc: gnu_dev_major, gnu_dev_minor. */
function deviceOf(dev: number): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}

/** Fills it by one file of this name until there is no space left. What is there already is filled up. */
export function fillMount(pid: number, mount: MemoryMount, name: string, signal: AbortSignal): void {
  const { path, bytes } = mount;
  if (bytes > largestMount) {
    throw new Undetermined(
      `${path} has ${Math.round(bytes / 1_048_576)} MiB, which would take this machine's memory`,
      {
        hint: `only a tmpfs of at most ${largestMount / 1_048_576} MiB is filled: give it a size`,
      },
    );
  }
  const isFilled = inMount(
    pid,
    mount,
    (folder) => {
      const file = openFile(folder, path, name);
      try {
        for (const size of [1_048_576, 4_096]) writeUntilFull(file, Buffer.alloc(size), signal);
      } finally {
        closeSync(file);
      }
      return true;
    },
    false,
  );
  if (!isFilled)
    throw new Undetermined(`${path} is no tmpfs any more: what holds it may be the disk of this machine`);
}

function openFile(folder: string, path: string, name: string): number {
  const { O_CREAT, O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  try {
    return openSync(join(folder, name), O_CREAT | O_WRONLY | O_APPEND | O_NOFOLLOW, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw new Undetermined(`somebody has put a link at ${join(path, name)}: it is not followed`, {
      hint: 'examctl fault clear takes it away',
      cause: error,
    });
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

export function isFilled(pid: number, mount: MemoryMount, name: string): boolean {
  return inMount(
    pid,
    mount,
    (folder) => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined,
    false,
  );
}

export function emptyMount(pid: number, mount: MemoryMount, name: string): void {
  inMount(pid, mount, (folder) => rmSync(join(folder, name), { force: true }), undefined);
}
