import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { Check } from './check.ts';
import type { Finding, FindingValue } from './check-run.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Rows as they may be shown: students by pseudonym, times as ISO 8601 in UTC. */
export function findingsOf(
  { columns }: Pick<Check, 'columns'>,
  rows: readonly Row[],
  students: Pseudonymiser | 'identified',
): Finding[] {
  const shown = (value: unknown, personal: boolean): FindingValue => {
    const plain = findingValue(value);
    return plain === null || !personal || students === 'identified' ? plain : students(String(plain));
  };
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, personal }) => [name, shown(row[name], personal)])),
  );
}

/** As PostgreSQL writes a timestamptz into JSON, with the time zone of the run. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/;

function findingValue(value: unknown): FindingValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'string' && timestamp.test(value)) return new Date(value).toISOString();
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
