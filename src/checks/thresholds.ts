import type { Outcome } from '../lifecycle/outcome.ts';

/** A number of findings, or a share (0..1) of what the check looks at. */
export type FindingLimit = { readonly count: number } | { readonly share: number };

/** From these limits on, findings are a warning, or a failure; below both they pass. */
export interface CheckThresholds {
  readonly warn?: FindingLimit;
  readonly fail?: FindingLimit;
}

/** "3", "0", "0.5%" */
export function parseFindingLimit(text: string | number): FindingLimit | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(text).trim()) ?? [];
  if (number === undefined) return undefined;
  if (percent === '%') return Number(number) > 100 ? undefined : { share: Number(number) / 100 };
  return Number.isInteger(Number(number)) ? { count: Number(number) } : undefined;
}

/** What so many findings are by these limits. Without the number of what was looked at, a share cannot be judged. */
export function limitCrossed(
  { warn, fail }: CheckThresholds,
  findings: number,
  lookedAt: number | null,
): { outcome: Outcome; why: string } {
  const isShare = [warn, fail].some((limit) => limit !== undefined && 'share' in limit);
  if (isShare && (lookedAt === null || lookedAt === 0))
    return { outcome: 'unknown', why: '; of how many is not known, so the limit cannot be judged' };
  const reached = (limit: FindingLimit | undefined) =>
    limit !== undefined &&
    ('count' in limit ? findings >= Math.max(1, limit.count) : findings / (lookedAt ?? 1) >= limit.share);
  if (reached(fail)) return { outcome: 'fail', why: `; the limit is ${limitText(fail)}` };
  if (reached(warn)) return { outcome: 'warn', why: `; a warning from ${limitText(warn)} on` };
  return { outcome: 'pass', why: `; below the limit of ${limitText(warn ?? fail)}` };
}

function limitText(limit: FindingLimit | undefined): string {
  if (limit === undefined) return 'none';
  return 'count' in limit ? String(limit.count) : `${(limit.share * 100).toLocaleString('en-GB')} %`;
}
