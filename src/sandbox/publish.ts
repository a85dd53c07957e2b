import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../adapters/files.ts';

const abandonedAfter = 3_600_000;

/**
 * Makes something that is made once and used often. It appears at its path complete or not at all,
 * and when two processes make it at the same time, the first one's is kept.
 */
export async function publish(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  makeFolder(dirname(path), 0o755);
  removeAbandonedDrafts(path);
  const draft = `${path}.${randomBytes(4).toString('hex')}.draft`;
  try {
    await make(draft);
    renameSync(draft, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const madeByAnother = (code === 'ENOTEMPTY' || code === 'EEXIST') && existsSync(path);
    if (!madeByAnother) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** By the time of change, as what is unpacked into a draft gives it the modification time of years ago. */
function removeAbandonedDrafts(path: string): void {
  const drafts = readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.draft'))
    .map((name) => join(dirname(path), name));
  for (const draft of drafts) {
    const stat = statSync(draft, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.ctimeMs > abandonedAfter)
      rmSync(draft, { recursive: true, force: true });
  }
}
