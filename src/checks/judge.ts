import { ExamctlError } from '../lifecycle/errors.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { type Check, outcomeOfFindings } from './check.ts';
import type { CauseCount, CheckResult, Finding } from './check-run.ts';
import { reasonOf } from './statements/statement-error.ts';
import { type CheckThresholds, limitCrossed } from './thresholds.ts';

/** What a statement said about one check. */
export interface Seen {
  readonly total: number;
  /** of these, accepted */
  readonly accepted: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly causes: readonly CauseCount[];
  readonly findings: readonly Finding[];
  readonly durationMs: number;
}

/** What was looked at, and what may be found in it. */
export interface Frame {
  /** in words; null: all sessions */
  readonly scope: string | null;
  /** that nothing lies in the scope is no sign of a wrong one */
  readonly mayBeEmpty?: boolean;
  /** what to do when nothing lies in the scope */
  readonly emptyHint?: string;
  readonly summary: Finding | null;
  readonly thresholds: Readonly<Record<string, CheckThresholds>>;
  /** how many acceptances of a check have run out, by its id */
  readonly expired: ReadonlyMap<string, number>;
}

/** The outcome of a check whose statement was carried out. */
export function judge(check: Check, seen: Seen, frame: Frame): CheckResult {
  const { total, accepted, durationMs } = seen;
  const lookedAt = lookedAtOf(check, seen, frame);
  const result = (outcome: Outcome, message: string, hint?: string): CheckResult => ({
    id: check.id,
    title: check.title,
    outcome,
    message,
    ...(hint === undefined ? {} : { hint }),
    severity: check.severity,
    window: check.window,
    findings: total,
    accepted,
    firstAt: seen.firstAt,
    lastAt: seen.lastAt,
    causes: seen.causes,
    lookedAt,
    columns: check.columns,
    samples: seen.findings,
    durationMs,
  });

  if (check.severity === 'info')
    return result('pass', seen.findings.map(inWords).join('; ') || 'nothing to tell');
  const among = lookedAt === null ? '' : ` in ${counted(lookedAt.count, lookedAt.what)}`;
  const open = total - accepted;
  if (open > 0) {
    const known = accepted === 0 ? '' : `, ${amount(accepted)} more ${areOrIs(accepted)} accepted`;
    const runOut = frame.expired.get(check.id) ?? 0;
    const ended = runOut === 1 ? 'acceptance has' : 'acceptances have';
    const expired = runOut === 0 ? '' : `; ${amount(runOut)} ${ended} run out`;
    const message = `${amount(open)} ${open === 1 ? 'finding' : 'findings'}${among}: ${check.finding}${known}${expired}`;
    const { outcome, why } = outcomeOf(check, open, lookedAt, frame);
    return result(outcome, `${message}${why}`, check.remedy);
  }
  if (accepted > 0)
    return result('pass', `no new findings${among}; ${amount(accepted)} ${areOrIs(accepted)} accepted`);
  if (isAboutNothing(check, frame)) return result(...nothingThere(frame));
  return result('pass', `no findings${among}`);
}

function outcomeOf(
  check: Check,
  open: number,
  lookedAt: CheckResult['lookedAt'],
  { thresholds }: Frame,
): { outcome: Outcome; why: string } {
  const limits = thresholds[check.id];
  if (limits === undefined) return { outcome: outcomeOfFindings(check.severity), why: '' };
  return limitCrossed(limits, open, lookedAt?.count ?? null);
}

/** The outcome of a check that could not be made. */
export function unknown(check: Check, error: unknown, durationMs: number): CheckResult {
  const hint = error instanceof ExamctlError ? error.hint : undefined;
  return notMade(check, 'unknown', reasonOf(error), hint ?? `the statement is in ${check.file}`, durationMs);
}

/** The outcome of a check that this run leaves to another one. */
export function skipped(check: Check, reason: string, hint: string): CheckResult {
  return notMade(check, 'skipped', reason, hint, 0);
}

function notMade(
  check: Check,
  outcome: 'unknown' | 'skipped',
  message: string,
  hint: string,
  durationMs: number,
): CheckResult {
  return {
    id: check.id,
    title: check.title,
    outcome,
    message,
    hint,
    ...nothingSeen,
    severity: check.severity,
    window: check.window,
    columns: check.columns,
    durationMs,
  };
}

/** What a result has of findings when none were counted. */
export const nothingSeen = {
  findings: null,
  accepted: 0,
  firstAt: null,
  lastAt: null,
  causes: [],
  lookedAt: null,
  samples: [],
  durationMs: 0,
} as const;

/** An empty window is probably a wrong one. A database that shows no session has none, or not to this login. */
function nothingThere({ scope, emptyHint = 'look at more' }: Frame): [Outcome, string, string] {
  if (scope === null)
    return [
      'unknown',
      'no exam session can be seen: there is none, or this database login is not shown any',
      'see whether database.url is the right database and login; before the first exam, run this again when there are sessions',
    ];
  return ['unknown', `there are no ${scope}`, emptyHint];
}

function isAboutNothing({ looksAt, window }: Check, { summary, scope, mayBeEmpty = false }: Frame): boolean {
  if (looksAt === undefined || mayBeEmpty || (scope !== null && window === 'none')) return false;
  return summary?.[looksAt] === 0 && summary.sessions === 0;
}

/**
 * Counts are of the sessions of the scope: a check with another window looked at other rows. Nor does one whose findings
 * are more than was counted look for them there: an acknowledged answer that is gone is none of the stored ones.
 */
function lookedAtOf(
  { looksAt, window }: Check,
  { total }: Seen,
  { summary, scope }: Frame,
): CheckResult['lookedAt'] {
  const count = looksAt === undefined ? undefined : summary?.[looksAt];
  if (looksAt === undefined || typeof count !== 'number') return null;
  if ((scope !== null && window !== 'sessions') || total > count) return null;
  return { what: looksAt.replaceAll('_', ' '), count };
}

/** "400 sessions, 7,812 answers" */
function inWords(finding: Finding): string {
  return Object.entries(finding)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([name, value]) => counted(value, name.replaceAll('_', ' ')))
    .join(', ');
}

/** "1 exam session"; what is counted is a plural of the check's header */
function counted(count: number, what: string): string {
  return `${amount(count)} ${count === 1 ? what.replace(/(?<!s)s$/, '') : what}`;
}

function areOrIs(count: number): string {
  return count === 1 ? 'is' : 'are';
}

/** "12,345". By hand, as the first use of Intl takes 13 ms. */
function amount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
