import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { type Check, costClasses, type SqlView } from '../check.ts';

import { findingsStatement, type Statement, type StatementContext, statementOf } from './statement.ts';
import { isAboutTheStatement } from './statement-error.ts';
import { shareableNames, viewsOf } from './views.ts';

/**
 * Checks that share a view go into one statement, which computes it once; every other check is a statement of its own.
 * Windows differ in what they leave of the tables, so checks of different ones share nothing in a scoped run.
 */
export function groupChecks(
  checks: readonly Check[],
  views: readonly SqlView[],
  { scoped }: { scoped: boolean },
): Check[][] {
  const nameIn = (check: Check, name: string) => (scoped ? `${check.window}/${name}` : name);
  const computed = new Set(
    checks.flatMap((check) => viewsOf([check.sql], views).map(({ name }) => nameIn(check, name))),
  );
  const groups: { checks: Check[]; shared: Set<string> }[] = [];
  for (const check of checks) {
    const shared = shareableNames(check.sql, views)
      .map((name) => nameIn(check, name))
      .filter((name) => computed.has(name));
    const joined = groups.filter((group) => shared.some((name) => group.shared.has(name)));
    const [first, ...others] = joined;
    if (first === undefined) {
      groups.push({ checks: [check], shared: new Set(shared) });
      continue;
    }
    for (const other of others) {
      first.checks.push(...other.checks);
      for (const name of other.shared) first.shared.add(name);
      groups.splice(groups.indexOf(other), 1);
    }
    first.checks.push(check);
    for (const name of shared) first.shared.add(name);
  }
  return groups.map((group) => group.checks);
}

/**
 * Where few rows are looked at, to fetch them is what takes time: checks of the same window share that in at most this
 * many statements, of about the same weight.
 */
export function packGroups(groups: readonly (readonly Check[])[], into: number): Check[][] {
  const heaviestFirst = [...groups].sort((a, b) => weightOf(b) - weightOf(a));
  const packed = new Map<string, { checks: Check[]; weight: number }[]>();
  for (const group of heaviestFirst) {
    const window = group[0]?.window ?? 'none';
    const packs = packed.get(window) ?? [];
    packed.set(window, packs);
    const [first, ...others] = packs;
    if (first === undefined || packs.length < into) {
      packs.push({ checks: [...group], weight: weightOf(group) });
      continue;
    }
    const lightest = others.reduce((least, pack) => (pack.weight < least.weight ? pack : least), first);
    lightest.checks.push(...group);
    lightest.weight += weightOf(group);
  }
  return [...packed.values()].flat().map(({ checks }) => checks);
}

function weightOf(checks: readonly Check[]): number {
  return Math.max(...checks.map(({ cost }) => costClasses.indexOf(cost.class)));
}

/** SQLSTATE */
const noSuchColumn = '42703';

/** Checks that one statement answers, and what the planner thinks that it costs. */
export interface PlannedStatement {
  readonly checks: readonly Check[];
  /** 0: not asked */
  readonly cost: number;
}

interface PlanOptions {
  readonly context: StatementContext;
  readonly combine: boolean;
  /** null, or: so few rows are looked at that this many statements will do, and asking the planner would take as long */
  readonly packInto: number | null;
  ask(statement: Statement): Promise<unknown[]>;
  /** a check whose statement cannot even be planned: a missing table or column, no permission, a mistake in its SQL */
  onProblem(check: Check, error: unknown): void;
}

/** Asks the planner what each statement costs. A check that cannot be planned is told of, and left out. */
export async function planStatements(
  checks: readonly Check[],
  options: PlanOptions,
): Promise<PlannedStatement[]> {
  const { context, combine, packInto } = options;
  const shared = combine
    ? groupChecks(checks, context.views, { scoped: context.scope !== null })
    : checks.map((check) => [check]);
  const groups = combine && packInto !== null ? packGroups(shared, packInto) : shared;
  const planned: PlannedStatement[] = [];
  for (const group of groups) planned.push(...(await planGroup(group, options)));
  return planned;
}

async function planGroup(checks: readonly Check[], options: PlanOptions): Promise<PlannedStatement[]> {
  if (options.packInto !== null) return [{ checks, cost: 0 }];
  try {
    return [{ checks, cost: await costOf(checks, options) }];
  } catch (error) {
    if (!isAboutTheStatement(error)) throw error;
    const [only] = checks;
    if (checks.length === 1 && only !== undefined) {
      options.onProblem(only, await explained(only, options, error));
      return [];
    }
  }
  const good: Check[] = [];
  for (const check of checks) if ((await planGroup([check], options)).length > 0) good.push(check);
  if (good.length === checks.length) return good.map((check) => ({ checks: [check], cost: 0 }));
  return good.length === 0 ? [] : planGroup(good, options);
}

/** A missing column is one of the database, or one that only the header of the check has. */
export async function explained(
  check: Check,
  { context, ask }: Pick<PlanOptions, 'context' | 'ask'>,
  error: unknown,
): Promise<unknown> {
  if ((error as { code?: unknown }).code !== noSuchColumn) return error;
  try {
    const { text, values } = findingsStatement(
      { ...check, columns: [] },
      { ...context, accepted: new Map() },
    );
    await ask({ text: `EXPLAIN ${text}`, values });
  } catch (itsOwn) {
    return itsOwn;
  }
  return new Undetermined(
    `its statement does not return a column that the header of ${check.file} explains: ${messageOf(error)}`,
    { hint: `examctl integrity lint ${check.file}`, cause: error },
  );
}

async function costOf(checks: readonly Check[], { context, ask }: PlanOptions): Promise<number> {
  const { text, ...rest } = statementOf(checks, context);
  const [row] = (await ask({ text: `EXPLAIN (FORMAT JSON) ${text}`, ...rest })) as {
    'QUERY PLAN': [{ Plan: { 'Total Cost': number } }];
  }[];
  return row?.['QUERY PLAN'][0].Plan['Total Cost'] ?? 0;
}
