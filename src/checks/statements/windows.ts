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
  if (sessions) add('sessions', [sessions], `among the ${sessions.length} given ones`);
  if (changedSince) add('changed', [changedSince], `changed since ${changedSince.toISOString()}`);
  if (withoutRehearsal) {
    const { emailDomain, userIds } = withoutRehearsal;
    add('without-rehearsal', [emailDomain, userIds], 'not of rehearsal accounts');
  }
  if (conditions.length === 0) return null;
  const starts = [since, exam?.from, changedSince].filter((time) => time !== undefined);
  return {
    words: `sessions ${words.join(', ')}`,
    conditions,
    ...(changedSince === undefined ? {} : { mayBeEmpty: true }),
    from: starts.length === 0 ? null : new Date(Math.max(...starts.map(Number))),
    to: exam?.to ?? null,
  };
}
