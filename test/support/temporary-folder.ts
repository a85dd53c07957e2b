import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const neededBytes = 4 * 2 ** 30;

/**
 * Where tests make their files: in memory where that is possible, as each sandbox has over a thousand files and hundreds of
 * sandboxes come and go. A disk may take ten times as long to make a file when many were just removed.
 */
export function temporaryFolder(): string {
  const mounted = readLines('/proc/mounts').map((line) => line.split(' '));
  const [, , type, options = ''] = mounted.find(([, place]) => place === memory) ?? [];
  if (type !== 'tmpfs' || options.split(',').some((option) => option === 'noexec' || option === 'ro'))
    return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  if (bavail * bsize < neededBytes) return tmpdir();
  const folder = join(memory, `examctl-tests-${process.getuid?.()}`);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o1777);
  return folder;
}

/** For the state of examctl. The account of the sandbox's servers may go through it, so that the sandbox lies in it, too. */
export function makeStateFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o711);
  return folder;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    // not Linux
    return [];
  }
}
