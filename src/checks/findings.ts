import { Undetermined } from '../lifecycle/errors.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { Check } from './check.ts';
import type { Finding, FindingValue } from './check-run.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface FindingsStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

const totalColumn = 'examctl_total';

/** Counts all findings and returns the first ones, in an order that is the same every time. */
export function findingsStatement(
  { sql, columns }: Pick<Check, 'sql' | 'columns'>,
  { since, limit }: { since: Date | null; limit: number },
): FindingsStatement {
  const order = columns.map(({ name }) => `f."${name}"`).join(', ');
  return {
    // The line break ends a comment at the end of the statement.
    text: `SELECT (count(*) OVER ())::float8 AS ${totalColumn}, f.* FROM (\n${sql}\n) f ORDER BY ${order} LIMIT ${limit}`,
    values: sql.includes('$1') ? [since] : [],
  };
}

export function totalOf(rows: readonly Row[]): number {
  return rows.length === 0 ? 0 : Number(rows[0]?.[totalColumn]);
}

/** Rows as they may be shown: students by pseudonym, times as ISO 8601. */
export function findingsOf(
  { id, columns }: Pick<Check, 'id' | 'columns'>,
  rows: readonly Row[],
  students: Pseudonymiser | 'identified',
): Finding[] {
  const declared = new Map(columns.map((column) => [column.name, column]));
  const show = (name: string, value: unknown): FindingValue => {
    const column = declared.get(name);
    if (column === undefined) {
      throw new Undetermined(`check ${id} returns the column "${name}", which its header does not declare`, {
        hint: `add "${name} (meaning)" to its columns, or "${name} (personal: meaning)" when it names a student`,
      });
    }
    const shown = findingValue(value);
    return shown === null || !column.personal || students === 'identified' ? shown : students(String(shown));
  };
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([name]) => name !== totalColumn)
        .map(([name, value]) => [name, show(name, value)]),
    ),
  );
}

function findingValue(value: unknown): FindingValue {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
