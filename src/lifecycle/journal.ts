import type { OutcomeRecord } from './outcome.ts';
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
    }
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
  | { readonly type: 'evidence'; readonly file: string; readonly title: string }
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
      lines.push(JSON.parse(line) as JournalLine);
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

/** How a run stands, from its journal alone. */
export function runFinish(
  lines: readonly JournalLine[],
): Extract<JournalLine, { type: 'run.finished' }> | undefined {
  return lines.findLast((line) => line.type === 'run.finished');
}
