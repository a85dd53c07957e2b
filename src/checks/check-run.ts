import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { CheckColumn, Severity } from './check.ts';

export type FindingValue = string | number | boolean | null;

/** One row of findings: column -> value; students as pseudonyms unless the run identified them. */
export type Finding = Readonly<Record<string, FindingValue>>;

export interface CheckResult extends OutcomeRecord {
  readonly severity: Severity;
  /** exact, however few samples there are; null when it could not be looked at */
  readonly findings: number | null;
  /** what the check looked at, when it says so and that could be counted */
  readonly lookedAt: { readonly what: string; readonly count: number } | null;
  readonly columns: readonly CheckColumn[];
  readonly samples: readonly Finding[];
  readonly durationMs: number;
}

/** All checks on one snapshot of the database. */
export interface CheckRun {
  readonly environment: string;
  /** only sessions that started at or after it were looked at; null: all */
  readonly since: Date | null;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** students appear by their real ids */
  readonly identified: boolean;
  /** the counts of the check `summary`; null when they could not be made */
  readonly summary: Finding | null;
  readonly outcomes: readonly CheckResult[];
}
