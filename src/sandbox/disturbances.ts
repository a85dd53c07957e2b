import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, readJson, writeJson } from '../adapters/files.ts';
import type { Disturbance } from '../lifecycle/disturbance.ts';
import { messageOf } from '../lifecycle/errors.ts';
import { disturbancesFolder } from './folder.ts';

/** What the sandbox's own processes do to themselves: the disturbances that need no other process. */
export interface StoredDisturbance {
  readonly id: string;
  readonly disturbance: Disturbance;
  /** ISO 8601: it is over then, also when nobody is left who would end it */
  readonly until: string;
}

export interface WatchedDisturbances {
  /** in effect now */
  value(): readonly Disturbance[];
  close(): void;
}

const pollMs = 100;
/** Twice the time after which the sandbox's processes look again. */
export const disturbanceTakesEffectAfter = 2 * pollMs;

/** One file for each, so that two processes that change different ones cannot undo each other's change. */
export function storeDisturbance(folder: string, stored: StoredDisturbance): void {
  makeFolder(join(folder, disturbancesFolder));
  writeJson(fileOf(folder, stored.id), stored);
}

/** Whether there was one. */
export function removeDisturbance(folder: string, id: string): boolean {
  try {
    unlinkSync(fileOf(folder, id));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Those that are not over. */
export function storedDisturbances(folder: string): StoredDisturbance[] {
  return namesIn(join(folder, disturbancesFolder))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => readJson<StoredDisturbance>(join(folder, disturbancesFolder, name)) ?? [])
    .filter(({ until }) => Date.parse(until) > Date.now());
}

/** What is stored during the life of the process counts within 100 ms. */
export function watchDisturbances(folder: string): WatchedDisturbances {
  let value: readonly Disturbance[] = [];
  const look = () => {
    try {
      value = storedDisturbances(folder).map(({ disturbance }) => disturbance);
    } catch (error) {
      process.stderr.write(
        `the disturbances cannot be read, the last known ones stay: ${messageOf(error)}\n`,
      );
    }
  };
  look();
  const timer = setInterval(look, pollMs).unref();
  return { value: () => value, close: () => clearInterval(timer) };
}

function fileOf(folder: string, id: string): string {
  return join(folder, disturbancesFolder, `${encodeURIComponent(id)}.json`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
