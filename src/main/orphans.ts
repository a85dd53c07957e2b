import type { FullContext } from './context.ts';

/** Every command notices the runs of dead processes. */
export function noteOrphans({ archive, progress }: Pick<FullContext, 'archive' | 'progress'>): void {
  for (const { id, identity } of archive.open().filter(({ alive }) => !alive)) {
    progress.note(
      `warning: run ${id} (${identity.operation} on ${identity.environment}, by ${identity.actor}) died before its end; see what is left and undo it: examctl recover`,
    );
  }
}

/** For a person who leaves without waiting for the reverts. */
export function textOnLeaving({ archive }: Pick<FullContext, 'archive'>): string {
  const own = archive.open().filter(({ identity }) => identity.pid === process.pid);
  if (own.length === 0) return 'left at once; no run was open\n';
  const lines = own.map(
    ({ id, identity }) =>
      `left at once: run ${id} (${identity.operation}) is still open on ${identity.environment}.\nIts guardian reverts what must be reverted; see that it did, and undo the rest: examctl recover ${id}\n`,
  );
  return lines.join('');
}
