import { execFileSync } from 'node:child_process';
import { messageOf } from '../../src/lifecycle/errors.ts';

const numbers = { null: '3', full: '7' } as const;

/** A node like /dev/null or /dev/full, in a folder of the test's own; the reason when this user may make none. */
export function makeDevice(file: string, kind: keyof typeof numbers): string | null {
  if (process.platform !== 'linux') return 'the numbers of devices are those of Linux';
  try {
    execFileSync('mknod', ['-m', '666', file, 'c', '1', numbers[kind]], { stdio: 'pipe' });
    // a file system may be mounted so that devices on it cannot be opened
    execFileSync('sh', ['-c', 'exec 3> "$0"', file], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no device can be made here: ${messageOf(error)}`;
  }
}

/** A disk of a few pages at that folder; the reason when this user may mount none. */
export function mountSmallDisk(folder: string): { unmount(): void } | string {
  if (process.platform !== 'linux') return 'tmpfs is of Linux';
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0755', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    return `no disk can be mounted here: ${messageOf(error)}`;
  }
  return { unmount: () => void execFileSync('umount', [folder], { stdio: 'pipe' }) };
}
