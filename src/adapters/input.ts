import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { messageOf, UsageError } from '../lifecycle/errors.ts';

/** The text of a file that somebody named, or of stdin for "-". */
export async function readTextFrom(source: string, folder: string): Promise<string> {
  if (source === '-') return text(process.stdin);
  try {
    return await readFile(resolve(folder, source), 'utf8');
  } catch (cause) {
    throw new UsageError(`${source} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
