import { Undetermined } from '../../lifecycle/errors.ts';
import type { IntegrityFacts } from '../../lifecycle/platform.ts';
import { type Check, keyColumns, type SqlView } from '../check.ts';
import { namesIn, Parameters, type Scope, scopeExpressions } from './scope.ts';
import { sharedViewsOf } from './views.ts';

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** what the planner is told for it */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What all statements of a run have in common. */
export interface StatementContext {
  readonly views: readonly SqlView[];
  readonly facts: IntegrityFacts;
  readonly scope: Scope | null;
  /** the schema of each of the platform's tables that there is */
  readonly schemas: ReadonlyMap<string, string>;
  /** findings that are returned of each check; their number is always exact */
  readonly samples: number;
  /** keys of accepted findings, by the id of their check */
  readonly accepted: ReadonlyMap<string, readonly string[]>;
}

/** A row that the statement returns for each of its checks. */
export interface CheckRow {
  /** place of the check in the statement, from 0 */
  readonly check: number;
  readonly total: number;
  /** of these, accepted ones */
  readonly known: number;
  readonly first_at: Date | null;
  readonly last_at: Date | null;
  /** findings by their cause, most frequent first; null where the rows show none */
  readonly causes: readonly { readonly cause: string | null; readonly count: number }[] | null;
  readonly samples: readonly Readonly<Record<string, unknown>>[] | null;
}

/** One statement that answers checks of the same window: what they share is computed once. */
export function statementOf(checks: readonly Check[], context: StatementContext): Statement {
  const parameters = new Parameters();
  const expressions = [
    ...baseExpressions(checks, context, parameters),
    ...checks.map((check, index) => `f${index} AS MATERIALIZED (${findingsOf(check, context, parameters)})`),
  ];
  const rows = checks.map((check, index) => rowOf(check, index, context));
  return {
    text: `WITH ${expressions.join(',\n')}\n${rows.join('\nUNION ALL\n')}`,
    values: parameters.values,
    settings: settingsOf(checks, context),
  };
}

/** The settings are for whole tables: a scope leaves little, for which the planner finds its way. */
function settingsOf(checks: readonly Check[], { scope }: StatementContext): Readonly<Record<string, string>> {
  return scope === null ? Object.assign({}, ...checks.map(({ settings }) => settings)) : {};
}

/** All findings of one check, for reading them one after another. */
export function findingsStatement(check: Check, context: StatementContext): Statement {
  const parameters = new Parameters();
  const expressions = baseExpressions([check], context, parameters);
  const prefix = expressions.length === 0 ? '' : `WITH ${expressions.join(',\n')}\n`;
  return {
    text: `${prefix}SELECT row_to_json(f) AS finding FROM (${findingsOf(check, context, parameters)}) f`,
    values: parameters.values,
    settings: settingsOf([check], context),
  };
}

/** What tells the findings of one check apart, each once: of all, or those of these keys that are found. */
export function keysStatement(
  check: Check,
  context: StatementContext,
  wanted: readonly string[] | null,
): Statement {
  const parameters = new Parameters();
  const expressions = baseExpressions([check], context, parameters);
  const prefix = expressions.length === 0 ? '' : `WITH ${expressions.join(',\n')}\n`;
  const key = keyExpression(check);
  const among = wanted === null ? '' : `\nWHERE ${key} = ANY (${parameters.add(wanted)}::text[])`;
  return {
    text: `${prefix}SELECT DISTINCT ${key} AS key FROM (\n${check.sql}\n) f${among}`,
    values: parameters.values,
    settings: settingsOf([check], context),
  };
}

/** Why a check is never sent; null: it may be. */
export function whyNotSent({ broken }: Pick<Check, 'broken'>): Undetermined | null {
  return broken === undefined ? null : new Undetermined(broken.reason, { hint: broken.hint });
}

/** The tables as the scope leaves them, then the views. All statements begin here, and so what is broken ends here. */
function baseExpressions(
  checks: readonly Check[],
  { views, facts, scope, schemas }: StatementContext,
  parameters: Parameters,
): string[] {
  const why = checks.map(whyNotSent).find((reason) => reason !== null);
  if (why != null) throw why;
  const used = sharedViewsOf(
    checks.map(({ sql }) => sql),
    views,
  );
  const code = [...checks, ...used].map(({ sql }) => sql).join('\n');
  const tables = {
    names: namesIn(code, [...schemas.keys()]),
    realName: (table: string) => `"${schemas.get(table)}"."${table}"`,
  };
  const window = checks[0]?.window ?? 'none';
  return [
    ...scopeExpressions(scope, window, { tables, facts, parameters }),
    // Of its own accord PostgreSQL computes a view once when it is used more than once, and else as part of its user.
    ...used.map(({ name, sql }) => `"${name}" AS (\n${sql}\n)`),
  ];
}

/** The declared columns only, so that nothing else leaves the database; and whether the finding is accepted. */
function findingsOf(check: Check, { accepted }: StatementContext, parameters: Parameters): string {
  const keys = accepted.get(check.id) ?? [];
  const columns = check.columns.map(({ name }) => `f."${name}"`);
  const known =
    keys.length === 0
      ? []
      : [`${keyExpression(check)} = ANY (${parameters.add(keys)}::text[]) AS examctl_known`];
  // The line break ends a comment at the end of the statement.
  return `SELECT ${[...columns, ...known].join(', ')} FROM (\n${check.sql}\n) f`;
}

/** SQL of what tells one finding of a check from another, across runs and machines. */
export function keyExpression(check: Check): string {
  const values = keyColumns(check).map((name) => `coalesce(f."${name}"::text, '')`);
  return `md5(concat_ws(E'\\x1f', ${values.join(', ')}))`;
}

function rowOf(check: Check, index: number, { samples: wanted, accepted }: StatementContext): string {
  // The row of counts is what others are measured by.
  const samples = check.severity === 'info' ? Math.max(1, wanted) : wanted;
  const columns = check.columns.map(({ name }) => `s."${name}"`);
  const hasKnown = (accepted.get(check.id) ?? []).length > 0;
  const occurred = check.occurred === undefined ? 'NULL' : `"${check.occurred}"`;
  const causes = check.columns.some(({ name }) => name === 'cause')
    ? `(SELECT json_agg(json_build_object('cause', cause, 'count', count) ORDER BY count DESC, cause)
        FROM (SELECT cause::text AS cause, count(*) AS count FROM f${index} GROUP BY 1) c)`
    : 'NULL::json';
  const order = [...(hasKnown ? ['s.examctl_known'] : []), ...columns].join(', ');
  return `SELECT ${index} AS check, count(*)::float8 AS total,
  ${hasKnown ? '(count(*) FILTER (WHERE examctl_known))::float8' : '0::float8'} AS known,
  min(${occurred})::timestamptz AS first_at, max(${occurred})::timestamptz AS last_at,
  ${causes} AS causes,
  (SELECT json_agg(row_to_json(r)) FROM (SELECT ${columns.join(', ')} FROM f${index} s ORDER BY ${order} LIMIT ${samples}) r) AS samples
FROM f${index}`;
}
