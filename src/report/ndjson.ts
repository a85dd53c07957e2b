import { plainValue, withSchema } from './json.ts';
import type { Report } from './report.ts';

/** One row a line; a report without rows is its one row. */
export function renderNdjson(report: Report): string {
  const rows = report.rows ?? report.outcomes ?? [withSchema(report)];
  return rows.map((row) => `${JSON.stringify(row, plainValue)}\n`).join('');
}
