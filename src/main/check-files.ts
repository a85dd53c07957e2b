import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createCheckFile, readCheckFile, shownPath, sqlFilesAt } from '../adapters/check-files.ts';
import type { PackagedSql } from '../checks/index.ts';
import type { CheckFiles } from '../commands/integrity-context.ts';
import type { Config } from '../config/settings.ts';
import type { Platform } from '../lifecycle/platform.ts';

export function checkFilesOf(
  { file: configFile, checksFolder }: Config,
  { platform, packaged, cwd }: { platform: Platform; packaged: PackagedSql; cwd: string },
): CheckFiles {
  return {
    platform,
    packaged,
    configFile: configFile === undefined ? undefined : shownPath(configFile, cwd),
    ownFolder: checksFolder === undefined ? undefined : shownPath(checksFolder, cwd),
    read: async (path) => {
      const files = await sqlFilesAt(resolve(cwd, path));
      return Promise.all(files.map((file) => readCheckFile(file, cwd)));
    },
    // A folder that nobody made yet has no checks.
    own: async () => {
      if (checksFolder === undefined || !existsSync(checksFolder)) return [];
      const files = await sqlFilesAt(checksFolder);
      return Promise.all(files.map((file) => readCheckFile(file, cwd)));
    },
    create: async (folder, name, text) => {
      const made = await createCheckFile(resolve(cwd, folder), name, text);
      return { file: shownPath(join(resolve(cwd, folder), name), cwd), made };
    },
  };
}
