import { readCheckFile } from '../../src/adapters/check-files.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { readPackagedSql } from '../../src/adapters/sql-files.ts';
import type { CheckSource } from '../../src/checks/checks-from.ts';
import { checkCatalogue, type PackagedSql } from '../../src/checks/index.ts';

/** The checks that come with examctl, their views and windows. */
export async function packagedCatalogue() {
  return checkCatalogue('exam-platform', await packagedSources());
}

/** The files of sql/exam-platform, parsed but not judged. */
export async function packagedSources(): Promise<PackagedSql> {
  const [checks, classic, views, windows] = await Promise.all([
    readPackagedSql('exam-platform', 'checks'),
    readPackagedSql('exam-platform', 'classic'),
    readPackagedSql('exam-platform', 'views'),
    readPackagedSql('exam-platform', 'windows'),
  ]);
  return { checks, classic, views, windows };
}

/** The check files as lint reads them. */
export async function packagedFiles() {
  const { checks, classic } = await packagedSources();
  const read = (sources: readonly CheckSource[]) =>
    Promise.all(sources.map(({ file }) => readCheckFile(file, packageRoot())));
  return { checks: await read(checks), classic: await read(classic) };
}
