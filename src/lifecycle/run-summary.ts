import { type JournalLine, openChanges, type RunResult, runFinish, type Worker } from './journal.ts';
import type { Verdict } from './outcome.ts';
import type { Life } from './run-lock.ts';

/** How a run stands: `never-begun` also where it was closed by hand; `elsewhere`: its process cannot be seen from here. */
export type RunState = RunResult | 'at-work' | 'elsewhere' | 'died' | 'never-begun';

/** A run in a few words, from its journal. */
export interface RunSummary {
  readonly run: string;
  readonly operation: string | null;
  readonly environment: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
  /** ISO 8601 */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** until its end; null while it has none */
  readonly seconds: number | null;
  readonly state: RunState;
  /** who brought it to its end */
  readonly endedBy: Worker | null;
  /** of a rehearsal */
  readonly verdict: Verdict | null;
  /** targets of changes that are neither kept nor proven to be reverted */
  readonly open: readonly string[];
}

const stateByLife = { alive: 'at-work', elsewhere: 'elsewhere', gone: 'died' } as const;

/** `life` as the mark of an open run says; undefined: it is not open. */
export function summaryOf(run: string, lines: readonly JournalLine[], life: Life | undefined): RunSummary {
  const started = lines.find((line) => line.type === 'run.started');
  const finish = runFinish(lines);
  const startedAt = started?.at ?? lines[0]?.at ?? null;
  const endedAt = finish?.at ?? null;
  const seconds =
    startedAt === null || endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return {
    run,
    operation: started?.operation ?? null,
    environment: started?.environment ?? null,
    actor: started?.actor ?? null,
    reason: started?.reason ?? null,
    startedAt,
    endedAt,
    seconds,
    state: finish?.result ?? (life === undefined ? 'never-begun' : stateByLife[life]),
    endedBy: finish?.by ?? null,
    verdict: lines.findLast((line) => line.type === 'verdict.reached')?.verdict ?? null,
    open: openChanges(lines).map(({ target }) => target),
  };
}

/** The verdict says more than that it was reached: a NO-GO is `done`, too. */
export function resultText({ state, verdict, endedBy, open }: RunSummary): string {
  const by = endedBy === null || endedBy === 'run' ? '' : `, by ${endedBy}`;
  const left = open.length === 0 ? '' : `; open: ${open.join(', ')}`;
  if (state === 'done') return `${verdict ?? state}${by}${left}`;
  if (state === 'died') return `died: examctl recover${left}`;
  if (state === 'elsewhere') return `at work elsewhere, or died there${left}`;
  return `${state.replaceAll('-', ' ')}${by}${left}`;
}
