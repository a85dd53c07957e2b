import { statfsSync } from 'node:fs';
import { ExamctlError, messageOf, OperationFailed, Refused } from '../lifecycle/errors.ts';

const mebibyte = 2 ** 20;
/** Data folder of the server with its write-ahead log, and the logs of a first hour. */
const neededMebibytes = 250;
/** Below this it is the full disk that made a program fail, whatever the program says. */
const fullBelowMebibytes = 8;

export function requireDiskSpace(folders: readonly string[]): void {
  for (const folder of folders) {
    const free = freeMebibytes(folder);
    if (free >= neededMebibytes) continue;
    throw new Refused(
      `the sandbox needs ${neededMebibytes} MiB of disk space in ${folder}, where ${free} MiB are free`,
      { hint: 'free some space, or name another folder with --state DIR' },
    );
  }
}

/** The error as it is, or as a full disk when that is the reason. */
export function explainFullDisk(error: unknown, folders: readonly string[]): unknown {
  const full = folders.find((folder) => freeMebibytes(folder) < fullBelowMebibytes);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ENOSPC' && (full === undefined || (error instanceof ExamctlError && error.exitCode !== 5)))
    return error;
  return new OperationFailed(
    `the disk became full while the sandbox was made in ${full ?? folders[0]}: ${messageOf(error)}`,
    {
      reverted: true,
      hint: `what was made is removed again; free ${neededMebibytes} MiB, or name another folder with --state DIR`,
      cause: error,
    },
  );
}

function freeMebibytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return Math.floor((bavail * bsize) / mebibyte);
}
