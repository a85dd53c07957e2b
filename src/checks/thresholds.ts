import type { CheckThresholds, FindingLimit, WrittenThresholds } from '../lifecycle/finding-limit.ts';
import { nearest } from '../lifecycle/nearest.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Check } from './check.ts';

export type { CheckThresholds } from '../lifecycle/finding-limit.ts';

/** The limits of each check by its id. */
export function thresholdsOf(
  written: readonly WrittenThresholds[],
): Readonly<Record<string, CheckThresholds>> {
  return Object.fromEntries(written.map(({ check, thresholds }) => [check, thresholds]));
}

/** A limit that could not have an effect. */
export interface ThresholdProblem extends WrittenThresholds {
  /** kebab-case, stable */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** All that is wrong with what was written, for the checks that there are. */
export function thresholdProblems(
  written: readonly WrittenThresholds[],
  checks: readonly Check[],
): ThresholdProblem[] {
  return written.flatMap((entry) => {
    const problem = problemOf(entry, checks);
    return problem === undefined ? [] : [{ ...entry, ...problem }];
  });
}

const listed = 'examctl integrity list shows the checks, and what each looks at';

function problemOf(
  { check: id, thresholds }: WrittenThresholds,
  checks: readonly Check[],
): Pick<ThresholdProblem, 'code' | 'message' | 'hint'> | undefined {
  const check = checks.find((one) => one.id === id);
  if (check === undefined) {
    const meant = nearest(
      id,
      checks.map((one) => one.id),
    );
    const hint = meant === undefined ? listed : `did you mean "${meant}"?`;
    return { code: 'unknown-check', message: 'there is no such check', hint };
  }
  // What its file says cannot be relied on; it says so itself.
  if (check.broken !== undefined) return undefined;
  if (check.severity === 'info') {
    const message = 'the check only counts, so it has no findings to limit';
    return { code: 'no-findings', message, hint: 'remove it' };
  }
  const isShare = [thresholds.warn, thresholds.fail].some((limit) => limit !== undefined && 'share' in limit);
  if (check.looksAt !== undefined || !isShare) return undefined;
  const message = 'the check does not tell how many it looks at, so there is no share of it';
  return { code: 'no-share', message, hint: 'write a number of findings' };
}

/** What so many findings are by these limits. Without the number of what was looked at, a share cannot be judged. */
export function limitCrossed(
  { warn, fail }: CheckThresholds,
  findings: number,
  lookedAt: number | null,
): { outcome: Outcome; why: string } {
  const failed = isReached(fail, findings, lookedAt);
  const warned = isReached(warn, findings, lookedAt);
  if (failed) return { outcome: 'fail', why: `; the limit is ${limitText(fail)}` };
  if (failed === null || warned === null)
    return { outcome: 'unknown', why: '; the limit is a share, and of how many these are is not known' };
  if (warned) return { outcome: 'warn', why: `; a warning from ${limitText(warn)} on` };
  return { outcome: 'pass', why: `; below the limit of ${limitText(warn ?? fail)}` };
}

/** null: it cannot be told */
function isReached(
  limit: FindingLimit | undefined,
  findings: number,
  lookedAt: number | null,
): boolean | null {
  if (limit === undefined) return false;
  if ('count' in limit) return findings >= Math.max(1, limit.count);
  return lookedAt === null || lookedAt === 0 ? null : findings / lookedAt >= limit.share;
}

function limitText(limit: FindingLimit | undefined): string {
  if (limit === undefined) return 'none';
  return 'count' in limit ? String(limit.count) : `${(limit.share * 100).toLocaleString('en-GB')} %`;
}
