import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine } from '../lifecycle/environment.ts';

export interface LogSource {
  readonly instance: string;
  readonly file: string;
}

const chunkBytes = 1 << 18;
const followEvery = 200;

/** Lines of several logs, one log after the other; with `follow` then those that are added. */
export async function* readLogs(
  sources: readonly LogSource[],
  { since, follow = false, signal }: { since?: Date; follow?: boolean; signal?: AbortSignal },
): AsyncGenerator<LogLine> {
  const readers = sources.map(({ instance, file }) => ({
    instance,
    read: lineReader(file),
    isWanted: wanted(since),
  }));
  for (;;) {
    for (const { instance, read, isWanted } of readers) {
      for (const text of read(!follow)) if (isWanted(text)) yield { instance, text };
    }
    if (!follow || signal?.aborted) return;
    await sleep(followEvery, undefined, signal && { signal }).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  }
}

/** Each call yields the lines since the last one; an unfinished line only when it is asked for. */
function lineReader(file: string): (withUnfinished: boolean) => Generator<string> {
  let position = 0;
  let rest = Buffer.alloc(0);
  return function* read(withUnfinished) {
    for (;;) {
      const chunk = readChunk(file, position);
      if (chunk === undefined || chunk.length === 0) break;
      position += chunk.length;
      const text = Buffer.concat([rest, chunk]);
      const end = text.lastIndexOf('\n');
      rest = text.subarray(end + 1);
      if (end >= 0) yield* text.subarray(0, end).toString('utf8').split('\n');
    }
    if (!withUnfinished || rest.length === 0) return;
    yield rest.toString('utf8');
    rest = Buffer.alloc(0);
  };
}

/** Undefined when there is no such file. */
function readChunk(file: string, position: number): Buffer | undefined {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const length = Math.max(0, Math.min(chunkBytes, fstatSync(handle).size - position));
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(handle, buffer, 0, length, position));
  } finally {
    closeSync(handle);
  }
}

/** Lines without a time of their own, like those of a traceback, belong to the line before them. */
function wanted(since: Date | undefined): (line: string) => boolean {
  if (since === undefined) return () => true;
  let isRecent = false;
  return (line) => {
    const time = timeOf(line);
    if (time !== undefined) isRecent = time >= since.getTime();
    return isRecent;
  };
}

const timeFormats: readonly { readonly pattern: RegExp; readonly toIso: (text: string) => string }[] = [
  { pattern: /"timestamp": ?"([^"]+)"/, toIso: (text) => text },
  // PostgreSQL, with log_timezone UTC
  { pattern: /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC /, toIso: (text) => `${text.replace(' ', 'T')}Z` },
  // Redis, with TZ=UTC: "123:M 22 Nov 2026 04:00:00.000 * ..."
  { pattern: /^\d+:[A-Z] (\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) /, toIso: (text) => `${text} UTC` },
];

export function timeOf(line: string): number | undefined {
  for (const { pattern, toIso } of timeFormats) {
    const text = line.match(pattern)?.[1];
    const time = text === undefined ? Number.NaN : Date.parse(toIso(text));
    if (!Number.isNaN(time)) return time;
  }
  return undefined;
}
