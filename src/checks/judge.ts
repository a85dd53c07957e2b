import { ExamctlError, messageOf } from '../lifecycle/errors.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { type Check, outcomeOfFindings } from './check.ts';
import type { CheckResult, Finding } from './check-run.ts';

/** Which sessions are looked at, and how many rows of each kind that is. */
export interface Window {
  readonly since: Date | null;
  readonly summary: Finding | null;
}

export interface Seen {
  readonly total: number;
  readonly findings: readonly Finding[];
  readonly durationMs: number;
}

/** The outcome of a check whose statement was carried out. */
export function judge(check: Check, { total, findings, durationMs }: Seen, window: Window): CheckResult {
  const lookedAt = lookedAtOf(check, window);
  const result = (outcome: Outcome, message: string, hint?: string): CheckResult => ({
    id: check.id,
    title: check.title,
    outcome,
    message,
    ...(hint === undefined ? {} : { hint }),
    severity: check.severity,
    findings: total,
    lookedAt,
    columns: check.columns,
    samples: findings,
    durationMs,
  });

  if (check.severity === 'info') return result('pass', findings.map(inWords).join('; ') || 'nothing to tell');
  const among = lookedAt === null ? '' : ` in ${amount(lookedAt.count)} ${lookedAt.what}`;
  if (total > 0) {
    const message = `${amount(total)} ${total === 1 ? 'finding' : 'findings'}${among}: ${check.finding}`;
    return result(outcomeOfFindings(check.severity), message, check.remedy);
  }
  if (lookedAt?.count === 0 && window.summary?.sessions === 0) return result(...nothingThere(window));
  return result('pass', `no findings${among}`);
}

/** The outcome of a check that could not be made. */
export function unknown(check: Check, error: unknown, durationMs: number): CheckResult {
  const hint = error instanceof ExamctlError ? error.hint : undefined;
  return {
    id: check.id,
    title: check.title,
    outcome: 'unknown',
    message: reasonOf(error),
    hint: hint ?? `the statement is in ${check.file}`,
    severity: check.severity,
    findings: null,
    lookedAt: null,
    columns: check.columns,
    samples: [],
    durationMs,
  };
}

/** A window that somebody asked for and that is empty is probably a wrong window; an empty database has nothing wrong in it. */
function nothingThere({ since, summary }: Window): [Outcome, string, string] {
  if (since === null) {
    return ['skipped', 'the database has no exam sessions', 'run this again when there are sessions'];
  }
  const newest = summary?.newest_session_at;
  const newestText = newest == null ? 'there are none at all' : `the newest started ${newest}`;
  return [
    'unknown',
    `no session started since ${since.toISOString()}; ${newestText}`,
    'give --since an earlier time, with its zone (2026-05-04T09:00Z)',
  ];
}

function lookedAtOf({ looksAt }: Check, { summary }: Window): CheckResult['lookedAt'] {
  const count = looksAt === undefined ? undefined : summary?.[looksAt];
  return looksAt === undefined || typeof count !== 'number'
    ? null
    : { what: looksAt.replaceAll('_', ' '), count };
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  const message = messageOf(error);
  return typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
}

/** "400 sessions, 7,812 answers" */
function inWords(finding: Finding): string {
  return Object.entries(finding)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([name, value]) => `${amount(value)} ${name.replaceAll('_', ' ')}`)
    .join(', ');
}

function amount(value: number): string {
  return value.toLocaleString('en-GB');
}
