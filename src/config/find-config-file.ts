import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const configFileName = 'examctl.yaml';

/** The nearest examctl.yaml in the folder or above it. */
export async function findConfigFile(folder: string): Promise<string | undefined> {
  const candidate = join(folder, configFileName);
  if (await isFile(candidate)) return candidate;
  const parent = dirname(folder);
  return parent === folder ? undefined : findConfigFile(parent);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    // Not there, or not ours to look into: what matters is found further up or not at all.
    () => false,
  );
}
