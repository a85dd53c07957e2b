import { plansAtWork, runFinish } from '../lifecycle/journal.ts';
import type { OpenRun, RunArchive } from '../lifecycle/run-archive.ts';

/** Its guardian has finished it, and proved that nothing is open. */
export async function nothingLeft({ id }: OpenRun, folders: RunArchive): Promise<boolean> {
  const journal = folders.journal(id);
  if ((await journal.damage()) !== null) return false;
  const lines = await journal.read();
  return (
    plansAtWork(lines).length === 0 &&
    (runFinish(lines) !== undefined || lines.every(({ type }) => type !== 'change.started'))
  );
}
