import type { Outcome } from '../lifecycle/outcome.ts';

export type Severity = 'critical' | 'major' | 'minor' | 'info';

export const severities: readonly Severity[] = ['critical', 'major', 'minor', 'info'];

/** How the cost grows: not at all, with the rows that an index names, with one big table, with two of them. */
export type CostClass = 'catalogue' | 'index' | 'scan' | 'join';

export const costClasses: readonly CostClass[] = ['catalogue', 'index', 'scan', 'join'];

/** What a window leaves of the tables: the rows of its sessions, the rows written in its time, or everything. */
export type WindowKind = 'sessions' | 'time' | 'none';

export const windowKinds: readonly WindowKind[] = ['sessions', 'time', 'none'];

/** Where the planner misjudges a statement: what a check may ask of it. None of them can do harm. */
export const plannerSettings: readonly string[] = [
  'enable_hashagg',
  'enable_hashjoin',
  'enable_mergejoin',
  'enable_nestloop',
  'enable_seqscan',
];

/** A column of the findings. A personal one names a student: its values leave examctl as pseudonyms. */
export interface CheckColumn {
  readonly name: string;
  readonly meaning: string;
  readonly personal: boolean;
}

/** A read-only question about data. Each row that its statement returns is a finding. */
export interface Check {
  readonly id: string;
  /** what must hold */
  readonly title: string;
  readonly question: string;
  readonly severity: Severity;
  /** what one row means to a student */
  readonly finding: string;
  readonly remedy: string;
  readonly columns: readonly CheckColumn[];
  /** the column of a check of severity info that counts what this one looks at */
  readonly looksAt?: string;
  readonly cost: { readonly class: CostClass; readonly words: string };
  readonly window: WindowKind;
  /** the column that tells when a finding happened */
  readonly occurred?: string;
  /** the first schema revision that has what it reads */
  readonly revision?: string;
  /** names under which `--suite` selects it, besides `all` */
  readonly suites: readonly string[];
  /** settings of the planner for its statement, when it looks at whole tables */
  readonly settings?: Readonly<Record<string, string>>;
  readonly note?: string;
  /** why its statement is never sent: what lint calls an error of a user's own file */
  readonly broken?: { readonly reason: string; readonly hint: string };
  readonly file: string;
  /** one SELECT of tables and views, by their bare names */
  readonly sql: string;
}

/** A statement that checks may select from by its name; computed once for all checks of a statement that use it. */
export interface SqlView {
  readonly name: string;
  /** the same from other views, for a statement that computes all of these anyway */
  readonly shared?: string;
  readonly file: string;
  readonly sql: string;
}

/** The columns that tell one finding from another, and name no student. */
export function keyColumns({ columns }: Pick<Check, 'columns'>): string[] {
  const open = columns.filter(({ personal }) => !personal).map(({ name }) => name);
  const ids = open.filter((name) => name.endsWith('_id'));
  return ids.length === 0 ? open : [...ids, ...open.filter((name) => name === 'cause')];
}

/** What a finding of this severity makes of the check. */
export function outcomeOfFindings(severity: Severity): Outcome {
  if (severity === 'info') return 'pass';
  return severity === 'minor' ? 'warn' : 'fail';
}
