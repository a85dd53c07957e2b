import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { CheckColumn, Severity, WindowKind } from './check.ts';

export type FindingValue = string | number | boolean | null;

/** One row of findings: column -> value; students as pseudonyms unless the run identified them. */
export type Finding = Readonly<Record<string, FindingValue>>;

export interface CauseCount {
  readonly cause: string;
  readonly count: number;
}

export interface CheckResult extends OutcomeRecord {
  readonly severity: Severity;
  /** what the run's scope leaves of the tables for it; absent in results of earlier versions */
  readonly window?: WindowKind;
  /** exact, however few samples there are; null when it could not be looked at */
  readonly findings: number | null;
  /** of these, how many somebody accepted until a day that has not come yet */
  readonly accepted: number;
  /** when the first and the last of them happened, where the rows tell; ISO 8601 */
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  /** the findings by their cause, most frequent first; empty where the rows show none */
  readonly causes: readonly CauseCount[];
  /** what the check looked at, when it says so and that could be counted: in the window of the check itself */
  readonly lookedAt: { readonly what: string; readonly count: number } | null;
  readonly columns: readonly CheckColumn[];
  readonly samples: readonly Finding[];
  /** of its statement, which may have answered other checks too */
  readonly durationMs: number;
}

/** One statement of a run: the load that it was. */
export interface StatementRecord {
  readonly checks: readonly string[];
  /** from 1 */
  readonly connection: number;
  /** as EXPLAIN gave it before, in the planner's unit; 0: not asked, as few sessions are looked at */
  readonly cost: number;
  readonly durationMs: number;
}

/** How a run of `--incremental` went on from the ones before it. */
export interface IncrementalRun {
  /** `sweep`: looked at everything; `changes`: at the sessions that changed */
  readonly kind: 'sweep' | 'changes';
  /** of a sweep: why it was one */
  readonly reason: string | null;
  /** of a run of changes: from when on; ISO 8601 */
  readonly since: string | null;
  readonly lastSweepAt: string | null;
  /** the next run looks at what changed from then on; null: at everything */
  readonly watermark: string | null;
  /** why the watermark stayed where it was; null: it moved */
  readonly stayed: string | null;
}

/** All checks on one snapshot of the database. */
export interface CheckRun {
  readonly environment: string;
  /** which sessions were looked at, in words; null: all */
  readonly scope: string | null;
  /** tells given sessions apart where the scope only says how many they are */
  readonly sessionsDigest?: string;
  /** by the server's clock; null when it could not be asked */
  readonly snapshotAt: string | null;
  /** by the server's clock, too, where it could be asked */
  readonly startedAt: Date;
  readonly durationMs: number;
  /** students appear by their real ids */
  readonly identified: boolean;
  /** what the checks of severity info counted; null when none of them could be made */
  readonly summary: Finding | null;
  readonly outcomes: readonly CheckResult[];
  readonly statements: readonly StatementRecord[];
  /** absent when every run looks at all of its scope */
  readonly incremental?: IncrementalRun;
  /** what a person should know about how it was run: fewer connections, pauses */
  readonly notes: readonly string[];
}
