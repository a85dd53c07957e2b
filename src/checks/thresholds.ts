import { ConfigError } from '../lifecycle/errors.ts';
import type { CheckThresholds, FindingLimit, WrittenThresholds } from '../lifecycle/finding-limit.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import type { Check } from './check.ts';

export type { CheckThresholds } from '../lifecycle/finding-limit.ts';

/** The limits of each check by its id. All that is wrong with what was written is told at once. */
export async function thresholdsOf(
  written: readonly WrittenThresholds[],
  checks: readonly Check[],
): Promise<Readonly<Record<string, CheckThresholds>>> {
  const problems: string[] = [];
  for (const entry of written) {
    const problem = await problemOf(entry, checks);
    if (problem !== undefined) problems.push(`${entry.where} checks.thresholds.${entry.check}: ${problem}`);
  }
  if (problems.length > 0)
    throw new ConfigError(problems.join('\n'), {
      hint: 'examctl integrity list shows the checks, and what each looks at',
    });
  return Object.fromEntries(written.map(({ check, thresholds }) => [check, thresholds]));
}

async function problemOf(
  { check: id, thresholds }: WrittenThresholds,
  checks: readonly Check[],
): Promise<string | undefined> {
  const check = checks.find((one) => one.id === id);
  if (check === undefined) {
    const { closest } = await import('fastest-levenshtein');
    const known = checks.map((one) => one.id);
    return `there is no such check (did you mean "${closest(id, known)}"?)`;
  }
  if (check.severity === 'info') return 'the check only counts, so it has no findings to limit';
  const isShare = [thresholds.warn, thresholds.fail].some((limit) => limit !== undefined && 'share' in limit);
  if (check.looksAt === undefined && isShare)
    return 'the check does not tell how many it looks at, so there is no share of it (write a number of findings)';
  return undefined;
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
    return { outcome: 'unknown', why: '; of how many is not known, so the limit cannot be judged' };
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
