import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readText } from '../adapters/files.ts';
import { identify, isAlive, type ProcessIdentity } from '../adapters/processes.ts';

/** One up, down or reset at a time: a second one waits. The lock of a process that was killed is void. */
export async function withChangeLock<T>(
  stateFolder: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (message: string) => void },
  change: () => Promise<T>,
): Promise<T> {
  const file = join(stateFolder, 'sandbox.lock');
  const mine = JSON.stringify(identify(process.pid));
  let told = false;
  while (!take(file, mine)) {
    const text = readText(file);
    const holder = parseHolder(text);
    if (holder !== undefined && isAlive(holder)) {
      if (!told) onProgress(`waiting for process ${holder.pid}, which is changing the sandbox`);
      told = true;
      await sleep(100, undefined, { signal });
    } else if (text !== undefined) {
      discard(file, text);
    }
  }
  try {
    return await change();
  } finally {
    rmSync(file, { force: true });
  }
}

/** By a link, so that the lock appears with its holder in it. */
function take(file: string, holder: string): boolean {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, holder, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts the lock back when somebody else took it between our reading and our renaming. */
function discard(file: string, seen: string): void {
  const aside = `${file}.${process.pid}.void`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readText(aside) !== seen) linkSync(aside, file);
  rmSync(aside, { force: true });
}

function parseHolder(text: string | undefined): ProcessIdentity | undefined {
  if (text === undefined || text === '') return undefined;
  return JSON.parse(text) as ProcessIdentity;
}
