import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { decodeText } from '../lifecycle/decode-text.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';

/** The text of a file that somebody named, or of stdin for "-". */
export async function readTextFrom(source: string, folder: string): Promise<string> {
  if (source === '-') return decodeText(await buffer(process.stdin));
  try {
    return decodeText(await readFile(resolve(folder, source)));
  } catch (cause) {
    throw new UsageError(`${source} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
