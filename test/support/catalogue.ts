import { readPackagedSql } from '../../src/adapters/sql-files.ts';
import { checkCatalogue } from '../../src/checks/index.ts';

/** The checks that come with examctl, their views and windows. */
export async function packagedCatalogue() {
  const [checks, classic, views, windows] = await Promise.all([
    readPackagedSql('exam-platform', 'checks'),
    readPackagedSql('exam-platform', 'classic'),
    readPackagedSql('exam-platform', 'views'),
    readPackagedSql('exam-platform', 'windows'),
  ]);
  return checkCatalogue('exam-platform', { checks, classic, views, windows });
}
