import type { AuditReference } from './audit.ts';
import type { Fingerprint } from './environment.ts';
import type { OutcomeRecord, Verdict } from './outcome.ts';
import type { Action, Plan } from './plan.ts';

/** Who is at work on a run: its own process, its guardian, or `examctl recover`. */
export type Worker = 'run' | 'guardian' | 'recover';

export type RunResult = 'done' | 'failed-reverted' | 'failed-not-reverted' | 'interrupted';

/** What one line of a run's journal says. A change line is on disk before the change is made. */
export type JournalEntry =
  | {
      readonly type: 'run.started';
      readonly run: string;
      readonly operation: string;
      readonly environment: string;
      readonly actor: string;
      readonly host: string;
      readonly pid: number;
      readonly reason: string | null;
      /** which system it is that the run changes */
      readonly target?: Fingerprint;
      /** the audit log's entry of its beginning */
      readonly audit?: AuditReference;
    }
  /** what the audit log says of this run since */
  | ({ readonly type: 'audit.entry' } & AuditReference)
  | { readonly type: 'plan.made'; readonly plan: Plan }
  | { readonly type: 'lock.taken'; readonly where: 'database' | 'file'; readonly epoch: number }
  | { readonly type: 'guardian.ready'; readonly pid: number }
  | {
      readonly type: 'change.started';
      readonly change: number;
      readonly target: string;
      readonly apply: Action;
      readonly revert: Action | null;
      readonly undoneBy: 'guardian' | 'recover';
      /** ISO time at which the guardian reverts even if the run is alive; null when only its death counts */
      readonly deadline: string | null;
    }
  | { readonly type: 'change.applied'; readonly change: number }
  | { readonly type: 'change.verified'; readonly change: number; readonly outcome: OutcomeRecord }
  /** the change is meant to stay: nothing is left to undo */
  | { readonly type: 'change.kept'; readonly change: number }
  | { readonly type: 'revert.started'; readonly change: number; readonly by: Worker }
  | {
      readonly type: 'revert.verified';
      readonly change: number;
      readonly by: Worker;
      readonly outcome: OutcomeRecord;
    }
  | { readonly type: 'revert.failed'; readonly change: number; readonly by: Worker; readonly message: string }
  /** a plan's changes are reverted, and all that they may have touched is as it was before */
  | { readonly type: 'state.proven'; readonly plan: number; readonly by: Worker }
  | {
      readonly type: 'state.differs';
      readonly plan: number;
      readonly by: Worker;
      readonly differences: readonly string[];
    }
  | { readonly type: 'evidence'; readonly file: string; readonly title: string }
  | { readonly type: 'verdict.reached'; readonly verdict: Verdict }
  | {
      readonly type: 'run.finished';
      readonly by: Worker;
      readonly result: RunResult;
      readonly message: string;
    };

export type JournalLine = JournalEntry & { readonly at: string };

export type ChangeStarted = Extract<JournalLine, { type: 'change.started' }>;

/** One run's journal. `append` returns when the line is on disk. */
export interface Journal {
  append(entry: JournalEntry): Promise<void>;
  read(): Promise<JournalLine[]>;
  /** why it does not tell all that the run did: it is missing, or lines of it are damaged; null when it does */
  damage(): Promise<string | null>;
}

/**
 * The lines of a journal file. A crash can cut a line off; such a line announced an action that was never begun,
 * as a line is on disk before its action. What cannot be read must not keep the rest from being reverted, so
 * broken lines are left out and told by number; those among them that no crash explains are damaged.
 */
export function parseJournal(text: string): {
  readonly lines: JournalLine[];
  readonly broken: number[];
  readonly damaged: number[];
} {
  const damaged: number[] = [];
  const lines: JournalLine[] = [];
  const broken: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    try {
      const parsed = JSON.parse(line) as JournalLine | null;
      if (typeof parsed?.type !== 'string') throw new TypeError('no line of a journal');
      lines.push(parsed);
    } catch {
      broken.push(index + 1);
      if (!isCutOff(line)) damaged.push(index + 1);
    }
  }
  return { lines, broken, damaged };
}

/** The beginning of a line, and no more: what a crash leaves of a write. */
function isCutOff(line: string): boolean {
  const begin = '{"at":"';
  return line.startsWith(begin) || begin.startsWith(line);
}

/** Why the text of a journal does not tell all that its run did; null when it does. */
export function journalDamage(text: string | undefined): string | null {
  if (text === undefined) return 'it is missing';
  const { lines, damaged } = parseJournal(text);
  if (!lines.some(({ type }) => type === 'run.started')) return 'its beginning is missing';
  return damaged.length === 0 ? null : `damaged lines: ${damaged.join(', ')}`;
}

/** Changes that were begun and neither kept nor proven to be reverted, the latest first: the order to undo them in. */
export function openChanges(lines: readonly JournalLine[]): ChangeStarted[] {
  const closed = new Set(
    lines.flatMap((line) => {
      if (line.type === 'change.kept') return [line.change];
      return line.type === 'revert.verified' && line.outcome.outcome === 'pass' ? [line.change] : [];
    }),
  );
  return lines
    .filter((line): line is ChangeStarted => line.type === 'change.started' && !closed.has(line.change))
    .reverse();
}

/** A plan that was carried out, in a run that may carry out several. */
export interface PlanAtWork {
  /** the how many-th of the run, from 1 */
  readonly number: number;
  /** absent: changes that no plan announced */
  readonly plan?: Plan;
  readonly changes: readonly number[];
  /** those of its changes that are open, the latest first */
  readonly open: readonly ChangeStarted[];
  /** what it may have touched must be compared with the state before */
  readonly unproven: boolean;
}

/** The plans of a run that something is left to do for, the latest first: the order to undo them in. */
export function plansAtWork(lines: readonly JournalLine[]): PlanAtWork[] {
  const open = new Map(openChanges(lines).map((change) => [change.change, change]));
  const proven = new Set(lines.flatMap((line) => (line.type === 'state.proven' ? [line.plan] : [])));
  const kept = new Set(lines.flatMap((line) => (line.type === 'change.kept' ? [line.change] : [])));
  const plans: { plan?: Plan; changes: number[] }[] = [{ changes: [] }];
  for (const line of lines) {
    if (line.type === 'plan.made') plans.push({ plan: line.plan, changes: [] });
    if (line.type === 'change.started') plans.at(-1)?.changes.push(line.change);
  }
  return plans
    .map(({ plan, changes }, number) => ({
      number,
      changes,
      ...(plan !== undefined && { plan }),
      open: changes.flatMap((change) => open.get(change) ?? []).reverse(),
      unproven:
        plan?.before !== undefined &&
        changes.length > 0 &&
        !proven.has(number) &&
        !changes.some((change) => kept.has(change)),
    }))
    .filter(({ open: left, unproven }) => left.length > 0 || unproven)
    .reverse();
}

/** How a run stands, from its journal alone. */
export function runFinish(
  lines: readonly JournalLine[],
): Extract<JournalLine, { type: 'run.finished' }> | undefined {
  return lines.findLast((line) => line.type === 'run.finished');
}
