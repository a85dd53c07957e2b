import type { Postgres } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import { recover } from '../server/snapshot.ts';
import type { Statement } from '../statements/statement.ts';

/** A node of EXPLAIN (FORMAT JSON, VERBOSE), as far as it is looked at. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Parent Relationship'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Plans, or runs, a statement with the settings that it has in a run; inside of a snapshot, which keeps none of them. */
export async function withSettings<T>(
  postgres: Pick<Postgres, 'query'>,
  { settings = {} }: Pick<Statement, 'settings'>,
  use: () => Promise<T>,
): Promise<T> {
  const names = Object.keys(settings);
  for (const name of names) await postgres.query('SELECT set_config($1, $2, true)', [name, settings[name]]);
  const result = await use();
  if (names.length > 0) await recover(postgres);
  return result;
}

/** How PostgreSQL would answer the statement; it is not carried out. */
export async function planOf(postgres: Pick<Postgres, 'query'>, statement: Statement): Promise<PlanNode> {
  const { rows } = await withSettings(postgres, statement, () =>
    postgres.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON, VERBOSE) ${statement.text}`,
      statement.values,
    ),
  );
  const plan = rows[0]?.['QUERY PLAN']?.[0]?.Plan;
  if (plan === undefined) throw new Undetermined('EXPLAIN gave no plan');
  return plan;
}

export function nodesOf(root: PlanNode): PlanNode[] {
  return [root, ...(root.Plans ?? []).flatMap(nodesOf)];
}

/** "public.test_sessions"; undefined for a node that reads no table */
export function tableOf({ Schema: schema, 'Relation Name': table }: PlanNode): string | undefined {
  return schema === undefined || table === undefined ? undefined : `${schema}.${table}`;
}

/** "public.test_sessions" -> its rows by the statistics; null when it was never analyzed */
export type TableSizes = ReadonlyMap<string, number | null>;

export async function sizesOf(
  postgres: Pick<Postgres, 'query'>,
  roots: readonly PlanNode[],
): Promise<TableSizes> {
  const tables = new Set(roots.flatMap(nodesOf).flatMap((node) => tableOf(node) ?? []));
  const { rows } = await postgres.query<{ name: string; rows: number }>(
    `SELECT n.nspname || '.' || c.relname AS name, c.reltuples::float8 AS rows
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname || '.' || c.relname = ANY ($1::text[])
      ORDER BY 1`,
    [[...tables]],
  );
  return new Map(rows.map(({ name, rows }) => [name, rows < 0 ? null : rows]));
}
