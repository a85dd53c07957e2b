import { randomUUID } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Undetermined } from '../lifecycle/errors.ts';
import { makeFolder, readText } from './files.ts';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';

export interface FileLockOptions {
  readonly signal?: AbortSignal;
  /** milliseconds; default 10,000. Infinity waits as long as the holder lives */
  readonly patience?: number;
  /** once, when a living process holds it */
  readonly onWait?: (holder: ProcessIdentity) => void;
}

/**
 * Runs `action` while no other process of this host holds the lock file. The file names its process, so that the
 * lock of a dead one is void at once.
 */
export async function withFileLock<T>(
  file: string,
  action: () => Promise<T>,
  { signal, patience = 10_000, onWait }: FileLockOptions = {},
): Promise<T> {
  makeFolder(dirname(file));
  const deadline = performance.now() + patience;
  let told = false;
  while (!take(file)) {
    const text = readText(file);
    const holder = parseHolder(text);
    if (holder === undefined || !isAlive(holder)) {
      if (text !== undefined) discard(file, text);
      continue;
    }
    if (!told) onWait?.(holder);
    told = true;
    if (performance.now() > deadline) {
      throw new Undetermined(`${file} has been held for ${patience / 1000} s by process ${holder.pid}`, {
        hint: `see what that process does: ps -fp ${holder.pid}`,
      });
    }
    await sleep(10 + Math.random() * 20, undefined, signal === undefined ? {} : { signal });
  }
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

/** By a link, so that the lock appears with its holder in it. */
function take(file: string): boolean {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, JSON.stringify(identify(process.pid)), { mode: 0o600 });
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
  const aside = `${file}.${randomUUID()}`;
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
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
  } catch {
    // a damaged file names nobody who could hold it
    return undefined;
  }
}
