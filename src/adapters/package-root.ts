import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this package: it holds bin/, k6/ and sql/, whether the code runs from src/ or from dist/. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${import.meta.dirname}`);
    folder = parent;
  }
  return folder;
}
