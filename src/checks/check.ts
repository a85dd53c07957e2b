import type { Outcome } from '../lifecycle/outcome.ts';

export type Severity = 'critical' | 'major' | 'minor' | 'info';

export const severities: readonly Severity[] = ['critical', 'major', 'minor', 'info'];

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
  /** the column of the check `summary` that counts what this one looks at */
  readonly looksAt?: string;
  readonly cost: string;
  readonly note?: string;
  readonly file: string;
  /** one SELECT; $1, where it occurs, is the start of the window (timestamptz or null) */
  readonly sql: string;
}

/** What a finding of this severity makes of the check. */
export function outcomeOfFindings(severity: Severity): Outcome {
  if (severity === 'info') return 'pass';
  return severity === 'minor' ? 'warn' : 'fail';
}
