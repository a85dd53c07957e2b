import type { AuditContent, AuditEntry, Redaction } from '../lifecycle/audit.ts';
import type { AuditAnchors } from '../lifecycle/audit-anchor.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { OperationResult } from '../lifecycle/operation.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Plan } from '../lifecycle/plan.ts';
import type { Recovery } from '../lifecycle/recover.ts';
import type { Run } from '../lifecycle/run.ts';
import type { RunArchive } from '../lifecycle/run-archive.ts';
import type { RunLocks } from '../lifecycle/run-lock.ts';
import type { Report } from '../report/report.ts';

/** Flags that every command takes (DESIGN 7). */
export interface GlobalOptions {
  readonly env?: string;
  readonly config?: string;
  readonly output?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly confirm?: string;
  readonly reason?: string;
  /** milliseconds for the whole command */
  readonly timeout?: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly debug: boolean;
  readonly breakGlass: boolean;
}

/** Lines on stderr: a changing line on a terminal, plain lines elsewhere, nothing with --quiet. */
export interface Progress {
  /** begins an activity, inside of the one that is under way; `seconds` is what it is expected to take, for the time left */
  start(text: string, seconds?: number): void;
  /** says more about the current activity: "120 of 300 answers, 0 errors" */
  update(text: string): void;
  /** ends the innermost activity */
  done(text?: string): void;
  /** ends all activities, before a last word */
  end(): void;
  /** a line of its own that stays: warnings, things that a person must know */
  note(text: string): void;
}

/** Makes plans come true on one environment: authorizes, keeps the audit log, runs, reverts. */
export interface Operator {
  run(
    plan: Plan,
    during?: (signal: AbortSignal) => Promise<readonly OutcomeRecord[]>,
  ): Promise<OperationResult>;
  /** several plans as one run: whatever was not kept is reverted at its end */
  withRun<T>(plan: Plan, use: (run: Run) => Promise<T>): Promise<T>;
  /** reverts what a dead run left, and closes it; `acceptsState`: a person says that what differs now is right */
  recover(run: string, options?: { readonly acceptsState?: boolean }): Promise<Recovery>;
}

export interface AuditTrail {
  readonly file: string;
  /** what can be read */
  read(): AuditEntry[];
  /** numbers of lines that are no entries */
  broken(): number[];
  /** hash of the last entry as noted beside the log */
  head(): string | undefined;
  append(content: AuditContent): Promise<AuditEntry>;
  /** takes the texts out of an entry: gives what is left of it, and the entry that says so; throws UsageError when there is none */
  redact(sequence: number, by: Redaction): Promise<{ entry: AuditEntry; record: AuditEntry }>;
}

/** What a command gets from main; each takes just the members that it uses. */
export interface Context {
  readonly options: GlobalOptions;
  /** aborted by SIGINT, SIGTERM, SIGHUP and --timeout */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly actor: string;
  readonly archive: RunArchive;
  readonly audit: AuditTrail;
  /** prints in the wanted format and sets the exit code */
  report(report: Report): Promise<void>;
  /** the environment of --env, opened; throws UsageError or ConfigError */
  openEnvironment(name?: string): Promise<Environment>;
  operator(environment: Environment): Operator;
  locks(environment: Environment): RunLocks;
  /** what the environment's database has noted of the audit log of this state folder */
  anchors(environment: Environment): AuditAnchors;
  /** the path of a new folder for evidence, which is not made yet */
  evidenceFolder(name: string): string;
}
