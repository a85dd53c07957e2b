import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HeldLock, LockHolder, LockState, RunLocks } from '../lifecycle/run-lock.ts';
import { withFileLock } from './file-lock.ts';
import { makeFolder, readJson, writeFileAtomic } from './files.ts';
import { isAlive, lifeOf, type ProcessIdentity, runProcess } from './processes.ts';
import { heldBy, stateOf } from './run-locks.ts';

interface LockFile {
  readonly holder: LockHolder;
  readonly epoch: number;
  readonly acquiredAt: string;
  /** by an earlier version */
  readonly process?: ProcessIdentity | null;
}

/** The run lock as a file of this host: the holder's process is its heartbeat. */
export function runLockInFile(stateFolder: string, environment: string): RunLocks {
  const folder = join(stateFolder, 'locks');
  const file = join(folder, `${environment}.json`);
  const exclusively = <T>(action: () => Promise<T>) => withFileLock(`${file}.lock`, action);

  const read = (): LockState | null => {
    const content = readJson<LockFile>(file, { holder: { run: '' }, epoch: 0, acquiredAt: '' });
    if (content === undefined) return null;
    const { holder, epoch, acquiredAt, process } = content;
    const { processes } = holder;
    // what lives elsewhere, with this folder shared, may be at work
    const alive =
      processes === undefined
        ? process != null && isAlive(process)
        : processes.some((one) => lifeOf(one) !== 'gone');
    const now = new Date();
    const expiresAt = new Date(now.getTime() + (alive ? 1 : -1));
    return stateOf(holder, epoch, 'file', new Date(acquiredAt), expiresAt, now);
  };

  return {
    acquire: (holder, options) =>
      exclusively(async (): Promise<HeldLock> => {
        const current = read();
        if (current !== null && !current.expired && current.holder.run !== options?.takeOverFrom)
          throw heldBy(current);
        const epoch = (current?.epoch ?? 0) + 1;
        const acquiredAt = new Date().toISOString();
        const write = (pids: readonly number[]) => {
          const processes = pids.flatMap((pid) => runProcess(pid) ?? []);
          const content: LockFile = { holder: { ...holder, processes }, epoch, acquiredAt };
          writeFileAtomic(file, JSON.stringify(content));
        };
        makeFolder(folder);
        write([process.pid]);
        return {
          epoch,
          where: 'file',
          joinedBy: (pid) =>
            exclusively(async () => {
              if (read()?.holder.run === holder.run) write([process.pid, pid]);
            }),
          stillHeld: async () => read()?.holder.run === holder.run,
          release: () =>
            exclusively(async () => {
              if (read()?.holder.run === holder.run) rmSync(file, { force: true });
            }),
        };
      }),
    current: async () => read(),
    forceRelease: (onlyOf) =>
      exclusively(async () => {
        const current = read();
        if (onlyOf !== undefined && current?.holder.run !== onlyOf) return null;
        rmSync(file, { force: true });
        return current;
      }),
  };
}
