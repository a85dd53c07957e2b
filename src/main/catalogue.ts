import { stat } from 'node:fs/promises';
import { readCheckFile, shownPath, sqlFilesAt } from '../adapters/check-files.ts';
import { readPackagedSql } from '../adapters/sql-files.ts';
import type { Check } from '../checks/check.ts';
import { type CheckCatalogue, checkCatalogue, type PackagedSql } from '../checks/index.ts';
import { thresholdProblems, thresholdsOf } from '../checks/thresholds.ts';
import { formatProblem, type LocatedProblem, problemAt } from '../config/problem.ts';
import type { CheckSettings } from '../config/settings.ts';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { platforms } from '../platforms/index.ts';

export const checkedPlatform = 'exam-platform';

/** Throws ConfigError with all that is wrong with checks.folder and checks.thresholds. */
export async function loadCatalogue(settings: CheckSettings, cwd: string): Promise<CheckCatalogue> {
  const { catalogue, problems } = await readCatalogue(settings, cwd);
  if (problems.length === 0) return catalogue;
  throw new ConfigError(problems.map(formatProblem).join('\n'), {
    hint: 'correct this, then: examctl config check',
  });
}

/** What only who has the checks can say of a configuration. */
export async function checkSettingsProblems(
  settings: CheckSettings,
  cwd: string,
): Promise<readonly LocatedProblem[]> {
  if (settings.checksFolder === undefined && settings.checkThresholds.length === 0) return [];
  return (await readCatalogue(settings, cwd)).problems;
}

async function readCatalogue(
  { checksFolder, checksFolderAt = 'examctl.yaml', checkThresholds }: CheckSettings,
  cwd: string,
): Promise<{ catalogue: CheckCatalogue; problems: LocatedProblem[] }> {
  const packaged = await packagedSql();
  const own = await readOwn(checksFolder, packaged, cwd);
  const catalogue = checkCatalogue(checkedPlatform, packaged, own.checks);
  const limited = [...catalogue.checks, ...catalogue.classic];
  return {
    catalogue: { ...catalogue, thresholds: thresholdsOf(checkThresholds) },
    problems: [
      ...own.problems.map((problem) => problemAt(checksFolderAt, { ...problem, path: ['checks', 'folder'] })),
      ...thresholdProblems(checkThresholds, limited).map(({ code, check, where, message, hint }) =>
        problemAt(where, { code, path: ['checks', 'thresholds', check], message, hint }),
      ),
    ],
  };
}

interface Own {
  readonly checks: readonly Check[];
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint: string }[];
}

async function readOwn(folder: string | undefined, packaged: PackagedSql, cwd: string): Promise<Own> {
  if (folder === undefined) return { checks: [], problems: [] };
  const why = await whyNoFolder(folder);
  if (why !== null) {
    const message = `${shownPath(folder, cwd)} ${why}`;
    const hint = 'make it, or make a check in it with: examctl integrity new ID';
    return { checks: [], problems: [{ code: 'missing-folder', message, hint }] };
  }
  const files = await Promise.all((await sqlFilesAt(folder)).map((file) => readCheckFile(file, cwd)));
  if (files.length === 0) return { checks: [], problems: [] };
  // Only who has checks of their own pays for lint at the start.
  const { ownChecks } = await import('../checks/own-checks.ts');
  const { checks, doubled } = ownChecks(files, { packaged, facts: platforms[checkedPlatform].integrity });
  const hint = 'give the file and the id in it another name';
  return { checks, problems: doubled.map((message) => ({ code: 'doubled-id', message, hint })) };
}

async function whyNoFolder(folder: string): Promise<string | null> {
  try {
    return (await stat(folder)).isDirectory() ? null : 'is no folder';
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
  }
}

/** What comes with examctl. */
export async function packagedSql(): Promise<PackagedSql> {
  const [checks, classic, views, windows] = await Promise.all([
    readPackagedSql(checkedPlatform, 'checks'),
    readPackagedSql(checkedPlatform, 'classic'),
    readPackagedSql(checkedPlatform, 'views'),
    readPackagedSql(checkedPlatform, 'windows'),
  ]);
  return { checks, classic, views, windows };
}
