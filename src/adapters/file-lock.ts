import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';

/**
 * Runs `action` while no other process of this host holds the lock file. The file names its process, so a lock
 * of a dead one is taken over at once.
 */
export async function withFileLock<T>(file: string, action: () => Promise<T>, patience = 10_000): Promise<T> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const deadline = performance.now() + patience;
  while (!tryToTake(file)) {
    if (performance.now() > deadline)
      throw new Error(`${file} has been held for ${patience / 1000} s by ${holderText(file)}`);
    await sleep(10 + Math.random() * 20);
  }
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

/** A link appears with its whole content or not at all, so a reader never sees an empty lock. */
function tryToTake(file: string): boolean {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    removeWhenDead(file);
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

function removeWhenDead(file: string): void {
  const holder = readHolder(file);
  if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function holderText(file: string): string {
  const holder = readHolder(file);
  return holder === undefined ? 'nobody' : `process ${holder.pid}`;
}
