import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Each script in a folder, by its path in there. */
export async function readK6Scripts(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js')).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}
