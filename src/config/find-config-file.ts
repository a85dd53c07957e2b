import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../lifecycle/errors.ts';

const configFileName = 'examctl.yaml';

/** The nearest examctl.yaml in the folder or above it; ConfigError where something of this name is none that can be read. */
export async function findConfigFile(folder: string): Promise<string | undefined> {
  const candidate = join(folder, configFileName);
  if (await isFile(candidate)) return candidate;
  const parent = dirname(folder);
  return parent === folder ? undefined : findConfigFile(parent);
}

/** What is there and is no file is not passed over: the command would act on something else than it was written for. */
async function isFile(path: string): Promise<boolean> {
  // not there, or not ours to look into: what matters is found further up or not at all
  const entry = await lstat(path).catch(() => undefined);
  if (entry === undefined) return false;
  const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
  if (target?.isFile()) return true;
  throw new ConfigError(`${path} is ${whatIs(target)}`, {
    hint: 'mend or remove it, or name the file: --config FILE',
  });
}

function whatIs(target: Stats | undefined): string {
  if (target === undefined) return 'a link to nothing that can be read';
  return target.isDirectory() ? 'a folder, and no file' : 'no file';
}
