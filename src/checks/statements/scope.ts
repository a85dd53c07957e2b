import type { IntegrityFacts } from '../../lifecycle/platform.ts';
import type { Check } from '../check.ts';

/** One condition of a scope: a statement that gives the ids of sessions as `id`, its parameters from $1. */
export interface SessionCondition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** What a run looks at, when not at everything. All conditions hold at once. */
export interface Scope {
  /** as people read it: "sessions started since 2026-05-04T09:00:00.000Z" */
  readonly words: string;
  readonly conditions: readonly SessionCondition[];
  /** what the conditions gave, where somebody asked and it was few */
  readonly ids?: readonly string[];
  /** tells given sessions apart where the words only say how many they are */
  readonly sessionsDigest?: string;
  /** that nothing lies in it is no sign of a wrong window */
  readonly mayBeEmpty?: boolean;
  /** what to do when nothing lies in it */
  readonly emptyHint: string;
  /** the rows that checks of window `time` look at: written at or after it (null: all) ... */
  readonly from: Date | null;
  /** ... and before it (null: until now) */
  readonly to: Date | null;
}

/** Why a run of this scope leaves a check out; null: it does not. */
export function outsideOf(
  { window }: Pick<Check, 'window'>,
  scope: Scope | null,
): { reason: string; hint: string } | null {
  if (window !== 'time' || scope === null || scope.from !== null || scope.to !== null) return null;
  return {
    reason: 'looks at rows by their time, and only sessions were chosen',
    hint: 'add --since or --exam to look at that time, or choose no sessions to look at everything',
  };
}

/** Values of one statement, by the places that they take in its text. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** The text of a statement with parameters of its own, whose values are added here. */
  adopt({ sql, values }: SessionCondition): string {
    const places = values.map((value) => this.add(value));
    return sql.replace(/\$(\d+)/g, (_, number) => places[Number(number) - 1] ?? '');
  }
}

/**
 * Common table expressions that take the place of the tables for the statement after them, so that no check has to
 * know of windows: a table is its rows of the window. None for a run without a scope, or a check of window `none`.
 */
export function scopeExpressions(
  scope: Scope | null,
  window: Check['window'],
  { tables, facts, parameters }: { tables: TablesInUse; facts: IntegrityFacts; parameters: Parameters },
): string[] {
  if (scope === null || window === 'none') return [];
  if (window === 'time') return timeExpressions(scope, { tables, facts, parameters });
  const ids = scope.ids === undefined ? allConditions(scope, parameters) : idsAsRows(scope.ids, parameters);
  const own = tables.names.filter((table) => facts.sessionColumns[table] !== undefined);
  return [
    `examctl_scope AS MATERIALIZED (${ids})`,
    ...own.map((table) => {
      const column = facts.sessionColumns[table] ?? '';
      // The planner takes a few rows for far fewer still when it joins two tables of one window, and looks each one up.
      // Read once they are joined at once; only the events are so many that single findings are looked up in them.
      const kept =
        scope.ids !== undefined && table !== facts.eventTable ? 'MATERIALIZED' : 'NOT MATERIALIZED';
      return `"${table}" AS ${kept} (SELECT t.* FROM ${tables.realName(table)} t WHERE t."${column}" IN (SELECT id FROM examctl_scope))`;
    }),
  ];
}

/** Not as = ANY: in the inner part of a nested loop the whole array would be searched again for each row. */
function idsAsRows(ids: readonly string[], parameters: Parameters): string {
  return `SELECT unnest(${parameters.add(ids)}::uuid[]) AS id`;
}

function allConditions({ conditions }: Scope, parameters: Parameters): string {
  return conditions.map((condition) => `(${parameters.adopt(condition)})`).join('\nINTERSECT\n');
}

/** With more sessions than that, the server is better off with the conditions themselves. */
export const fewSessions = 2_000;

/**
 * Gives the ids of a scope's sessions, one more than are few. Asked once, the conditions need not be answered in every
 * statement, and the planner knows how many sessions there are: it looks up their rows instead of reading all.
 */
export function idsStatement(scope: Scope): { text: string; values: readonly unknown[] } {
  const parameters = new Parameters();
  const text = `SELECT id::text AS id FROM (${allConditions(scope, parameters)}) i LIMIT ${fewSessions + 1}`;
  return { text, values: parameters.values };
}

function timeExpressions(
  { from, to }: Scope,
  { tables, facts, parameters }: { tables: TablesInUse; facts: IntegrityFacts; parameters: Parameters },
): string[] {
  return tables.names.flatMap((table) => {
    const written = facts.writtenAt[table];
    if (written === undefined || (from === null && to === null)) return [];
    const conditions = [
      ...(from === null ? [] : [`${written} >= ${parameters.add(from)}::timestamptz`]),
      ...(to === null ? [] : [`${written} < ${parameters.add(to)}::timestamptz`]),
    ];
    return `"${table}" AS NOT MATERIALIZED (SELECT t.* FROM ${tables.realName(table)} t WHERE ${conditions.join(' AND ')})`;
  });
}

export interface TablesInUse {
  /** bare names of the platform's tables that the statement reads */
  readonly names: readonly string[];
  /** with its schema, as the tables themselves are hidden behind the expressions */
  realName(table: string): string;
}

/** Comments, dollar-quoted text, strings with backslashes, plain strings. */
const notCode =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'/g;

/** The names among these that a statement mentions, outside of comments and quoted text. */
export function namesIn(sql: string, names: readonly string[]): string[] {
  const code = sql.replace(notCode, ' ');
  // Whatever the case: one too many only makes an expression that nothing uses.
  return names.filter((name) => new RegExp(`(?<![\\w."])"?${name}"?(?![\\w"])`, 'i').test(code));
}
