import { createHash } from 'node:crypto';
import type { RehearsalAccounts } from '../../lifecycle/environment.ts';
import type { Scope, SessionCondition } from './scope.ts';

/** Which sessions a run looks at; all that is given must hold. */
export interface WindowOptions {
  /** sessions that started at or after it */
  readonly since?: Date;
  /** exam sessions that started from `from` until before `to`: there is no table of exams */
  readonly exam?: { readonly from: Date; readonly to: Date };
  /** ids */
  readonly sessions?: readonly string[];
  /** none of the accounts that load runs act as */
  readonly withoutRehearsal?: RehearsalAccounts;
  /** sessions in which anything happened at or after it */
  readonly changedSince?: Date;
}

/** The scope of a run, or null for all sessions. `statements`: the platform's windows, by name. */
export function scopeOf(
  { since, exam, sessions, withoutRehearsal, changedSince }: WindowOptions,
  statements: ReadonlyMap<string, string>,
): Scope | null {
  const words: string[] = [];
  const hints: string[] = [];
  const conditions: SessionCondition[] = [];
  const add = (window: string, values: readonly unknown[], said: string) => {
    const sql = statements.get(window);
    if (sql === undefined) throw new Error(`the platform has no window "${window}"; install examctl again`);
    conditions.push({ sql, values });
    words.push(said);
  };
  if (since) add('since', [since], `started since ${since.toISOString()}`);
  if (exam) {
    const [from, to] = [exam.from.toISOString(), exam.to.toISOString()];
    add('exam', [exam.from, exam.to], `of mode EXAM started from ${from} until ${to}`);
  }
  if (since || exam) hints.push('look at a longer time; times are given with their zone (2026-05-04T09:00Z)');
  if (sessions) {
    const [first] = sessions;
    const only = sessions.length === 1 ? `with the id ${first}` : `among the ${sessions.length} given ones`;
    add('sessions', [sessions], only);
    hints.push('see whether the ids are of this environment');
  }
  if (changedSince) add('changed', [changedSince], `changed since ${changedSince.toISOString()}`);
  if (withoutRehearsal) {
    const { emailDomain, userIds } = withoutRehearsal;
    add('without-rehearsal', [emailDomain, userIds], 'outside of rehearsals');
    hints.push('without --exclude-rehearsal there may be some');
  }
  if (conditions.length === 0) return null;
  const starts = [since, exam?.from, changedSince].filter((time) => time !== undefined);
  return {
    words: `sessions ${words.join(', ')}`,
    conditions,
    ...(sessions === undefined || sessions.length < 2 ? {} : { sessionsDigest: digestOf(sessions) }),
    ...(changedSince === undefined ? {} : { mayBeEmpty: true }),
    emptyHint: hints.join('; '),
    from: starts.length === 0 ? null : new Date(Math.max(...starts.map(Number))),
    to: exam?.to ?? null,
  };
}

function digestOf(sessions: readonly string[]): string {
  return createHash('sha256')
    .update([...sessions].sort().join())
    .digest('hex')
    .slice(0, 16);
}
