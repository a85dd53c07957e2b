import type { Outcome } from '../lifecycle/outcome.ts';
import { keyColumns } from './check.ts';
import type { CheckResult, CheckRun, Finding } from './check-run.ts';

/** What became of one check between two runs. */
export interface CheckChange {
  readonly id: string;
  readonly title: string;
  /** `unknown`: one of the runs could not make it; `skipped`: one of them did not ask */
  readonly change: 'worse' | 'better' | 'same' | 'unknown' | 'skipped';
  readonly outcome: Sides<Outcome | null>;
  readonly findings: Sides<number | null>;
  /** at least so many when they are told by their numbers */
  readonly new: number | null;
  readonly gone: number | null;
  /** why nothing was compared, when both runs made the check; else null */
  readonly reason: string | null;
  /** `findings`: one by one, as both runs kept all of theirs; `counts`: by their numbers only */
  readonly comparedBy: 'findings' | 'counts' | null;
  /** those that are new, when they were compared one by one */
  readonly newFindings: readonly Finding[];
  readonly goneFindings: readonly Finding[];
}

interface Sides<T> {
  readonly before: T;
  readonly after: T;
}

export type ComparedRun = Pick<CheckRun, 'environment' | 'scope' | 'sessionsDigest' | 'outcomes'>;

/** The checks of both runs, those that got worse first. Checks that only count have nothing to compare. */
export function compareRuns(before: ComparedRun, after: ComparedRun): CheckChange[] {
  const earlier = new Map(before.outcomes.map((result) => [result.id, result]));
  const later = new Map(after.outcomes.map((result) => [result.id, result]));
  const otherWindow = differenceOfWindows(before, after);
  return [...new Set([...later.keys(), ...earlier.keys()])]
    .map((id) => changeOf(earlier.get(id), later.get(id), otherWindow))
    .filter((change) => change !== undefined)
    .sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change));
}

const order: readonly CheckChange['change'][] = ['worse', 'unknown', 'better', 'same', 'skipped'];

/** null: both looked at the same. What lies outside of a window is not gone. */
function differenceOfWindows(before: ComparedRun, after: ComparedRun): string | null {
  const [earlier, later] = [before, after].map(({ scope }) => scope ?? 'all sessions');
  if (earlier !== later) return `the first run looked at ${earlier}, the second at ${later}`;
  return before.sessionsDigest === after.sessionsDigest ? null : `each run looked at other ${later}`;
}

function changeOf(
  before: CheckResult | undefined,
  after: CheckResult | undefined,
  otherWindow: string | null,
): CheckChange | undefined {
  const check = after ?? before;
  if (check === undefined || check.severity === 'info') return undefined;
  const { id, title } = check;
  const outcome = { before: before?.outcome ?? null, after: after?.outcome ?? null };
  const findings = { before: before?.findings ?? null, after: after?.findings ?? null };
  const base = { id, title, outcome, findings };
  if (!isMade(before) || !isMade(after)) {
    const failed = outcome.before === 'unknown' || outcome.after === 'unknown';
    return { ...base, ...nothingCompared, change: failed ? 'unknown' : 'skipped' };
  }
  // A check of window `none` looks at everything in any run.
  if (otherWindow !== null && (before.window !== 'none' || after.window !== 'none'))
    return { ...base, ...nothingCompared, change: 'unknown', reason: otherWindow };
  const compared = compareFindings(before, after);
  return { ...base, ...compared, change: verdictOf(before, after, compared) };
}

type Compared = Pick<CheckChange, 'reason' | 'new' | 'gone' | 'comparedBy' | 'newFindings' | 'goneFindings'>;

const nothingCompared: Compared = {
  new: null,
  gone: null,
  reason: null,
  comparedBy: null,
  newFindings: [],
  goneFindings: [],
};

type Made = CheckResult & { readonly findings: number };

function isMade(result: CheckResult | undefined): result is Made {
  return result !== undefined && result.findings !== null && ranks.includes(result.outcome);
}

const ranks: readonly Outcome[] = ['pass', 'warn', 'fail'];

function verdictOf(before: Made, after: Made, compared: Compared): 'worse' | 'better' | 'same' {
  const rank = ranks.indexOf(after.outcome) - ranks.indexOf(before.outcome);
  const open = after.findings - after.accepted;
  if (rank > 0 || ((compared.new ?? 0) > 0 && open > 0)) return 'worse';
  return rank < 0 || (compared.gone ?? 0) > 0 ? 'better' : 'same';
}

function compareFindings(before: Made, after: Made): Compared {
  if (!isComplete(before) || !isComplete(after)) {
    const more = after.findings - before.findings;
    return { ...nothingCompared, new: Math.max(0, more), gone: Math.max(0, -more), comparedBy: 'counts' };
  }
  const newFindings = without(after, before);
  const goneFindings = without(before, after);
  return {
    ...nothingCompared,
    new: newFindings.length,
    gone: goneFindings.length,
    comparedBy: 'findings',
    newFindings,
    goneFindings,
  };
}

function isComplete({ samples, findings }: Made): boolean {
  return samples.length === findings;
}

/** The findings of one run that the other does not have; of equal ones, those that are over. */
function without(run: Made, other: Made): Finding[] {
  const left = new Map<string, number>();
  for (const finding of other.samples) {
    const key = keyOf(finding, other);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  return run.samples.filter((finding) => {
    const key = keyOf(finding, run);
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    return count <= 0;
  });
}

function keyOf(finding: Finding, check: Pick<CheckResult, 'columns'>): string {
  return JSON.stringify(keyColumns(check).map((name) => finding[name] ?? null));
}
