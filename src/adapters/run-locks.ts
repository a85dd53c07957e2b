import { messageOf, Refused, Undetermined } from '../lifecycle/errors.ts';
import type { HeldLock, LockHolder, LockState, RunLocks } from '../lifecycle/run-lock.ts';
import { lifeOf } from './processes.ts';

/**
 * The lease in the environment's own PostgreSQL; a file of this host where that cannot be reached, and then the
 * held lock says why, as a colleague on another machine does not see it.
 */
export function runLocks(inDatabase: RunLocks, inFile: RunLocks): RunLocks {
  return {
    acquire: async (holder, options): Promise<HeldLock> => {
      const local = await inFile.current();
      if (local !== null && !local.expired && local.holder.run !== options?.takeOverFrom) throw heldBy(local);
      try {
        return await inDatabase.acquire(holder, options);
      } catch (error) {
        if (!(error instanceof Undetermined)) throw error;
        return { ...(await inFile.acquire(holder, options)), why: messageOf(error) };
      }
    },
    // the file of a holder that died here says nothing about who holds the lease now
    current: async () => {
      const local = await inFile.current();
      return local !== null && !local.expired ? local : ((await inDatabase.current()) ?? local);
    },
    forceRelease: async (onlyOf) => {
      const local = await inFile.forceRelease(onlyOf);
      return local ?? inDatabase.forceRelease(onlyOf);
    },
  };
}

export function heldBy({ holder, expiresAt, where }: LockState): Refused {
  const { actor, host, pid, operation, run, reason } = holder;
  const why = reason === null ? '' : ` ("${reason}")`;
  return new Refused(
    `${actor}@${host} (process ${pid}) holds the run lock of this environment for ${operation}${why}, run ${run}`,
    {
      hint: `wait for it, or end its faults: examctl fault halt. Where its process is dead, its lease in the ${where} ends by itself at ${expiresAt}, or sooner by examctl runs unlock`,
    },
  );
}

/** Everything that acted for it died on this very host: nobody will renew its lease. */
function isDead({ processes = [] }: LockHolder): boolean {
  return processes.length > 0 && processes.every((process) => lifeOf(process) === 'gone');
}

export function stateOf(
  holder: LockHolder,
  epoch: number,
  where: 'database' | 'file',
  acquiredAt: Date,
  expiresAt: Date,
  now: Date,
): LockState {
  return {
    holder,
    epoch,
    where,
    acquiredAt: acquiredAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    expired: expiresAt <= now || isDead(holder),
  };
}
