import { messageOf } from '../lifecycle/errors.ts';
import type { FullContext } from './context.ts';
import { remedyFor } from './explain-error.ts';
import { nothingLeft } from './nothing-left.ts';

/** Every command notices what dead runs have left; one that only cannot look says so and goes on. */
export async function noteOrphans({
  archive,
  progress,
}: Pick<FullContext, 'archive' | 'progress'>): Promise<void> {
  try {
    for (const run of archive.open().filter(({ life }) => life === 'gone')) {
      if (await nothingLeft(run, archive)) continue;
      const { id, identity } = run;
      progress.note(
        `warning: run ${id} (${identity.operation} on ${identity.environment}, by ${identity.actor}) ended without having undone all of it; see what is left and undo it: examctl recover`,
      );
    }
  } catch (error) {
    const remedy = remedyFor(error);
    progress.note(
      `warning: whether a run has died cannot be seen: ${messageOf(error)}${remedy === undefined ? '' : `: ${remedy}`}`,
    );
  }
}

/** For a person who leaves without waiting for the reverts. */
export function onLeaving({ archive }: Pick<FullContext, 'archive'>): { text: string; exitCode: number } {
  const own = archive.open().filter(({ identity }) => identity.pid === process.pid);
  if (own.length === 0) return { text: 'left at once; no run was open\n', exitCode: 130 };
  const lines = own.map(
    ({ id, identity }) =>
      `left at once: run ${id} (${identity.operation}) is still open on ${identity.environment}.\nIts guardian reverts what must be reverted; see that it did, and undo the rest: examctl recover ${id}\n`,
  );
  // 130 would say that everything was reverted
  return { text: lines.join(''), exitCode: 6 };
}
