import { nodesOf, type PlanNode, type TableSizes, tableOf } from './plan.ts';

/** Rows from which on reading a whole table is felt by the students. */
const bigTable = 1_000_000;
/** Rows of each side, and how many times the larger side comes out, that make a join many-to-many. */
const bigInput = 100_000;
const multiplied = 4;

/** In a small database every plan looks good. */
export function canJudgePlans(sizes: TableSizes): boolean {
  return [...sizes.values()].some((rows) => rows !== null && rows > bigInput);
}

export interface FullRead {
  /** "public.session_answers" */
  readonly table: string;
  readonly rows: number;
}

/** The big tables that the plan reads from the first row to the last, largest first. */
export function bigTablesRead(root: PlanNode, sizes: TableSizes): FullRead[] {
  const read = new Map<string, number>();
  const visit = (node: PlanNode, parent: PlanNode | null) => {
    const table = tableOf(node);
    const rows = sizes.get(table ?? '') ?? 0;
    if (table !== undefined && rows > bigTable && readsAll(node, parent)) read.set(table, rows);
    for (const child of node.Plans ?? []) visit(child, node);
  };
  visit(root, null);
  return [...read].map(([table, rows]) => ({ table, rows })).sort((a, b) => b.rows - a.rows);
}

function readsAll(node: PlanNode, parent: PlanNode | null): boolean {
  if (node['Node Type'] === 'Seq Scan') return true;
  if (!['Index Scan', 'Index Only Scan'].includes(node['Node Type'])) return false;
  // The first entries of an index, as for a minimum.
  const stopsEarly = parent?.['Node Type'] === 'Limit' && node.Filter === undefined;
  return node['Index Cond'] === undefined && !stopsEarly;
}

export interface ManyToMany {
  readonly left: string;
  readonly right: string;
  readonly leftRows: number;
  readonly rightRows: number;
  /** that come out of the join */
  readonly rows: number;
}

const joins = ['Nested Loop', 'Hash Join', 'Merge Join'];

/** Joins of two big inputs out of which far more rows come than went into either. */
export function manyToManyJoins(root: PlanNode, sizes: TableSizes): ManyToMany[] {
  return nodesOf(root).flatMap((node) => {
    if (!joins.includes(node['Node Type'])) return [];
    const [outer, inner] = (node.Plans ?? []).filter(({ 'Parent Relationship': relationship }) =>
      ['Outer', 'Inner'].includes(relationship ?? ''),
    );
    if (outer === undefined || inner === undefined) return [];
    const left = largestTable(outer, sizes);
    const right = largestTable(inner, sizes);
    if (left === null || right === null) return [];
    const leftRows = outer['Plan Rows'];
    // Of a nested loop the planner tells the rows of one round.
    const rightRows = node['Node Type'] === 'Nested Loop' ? right.rows : inner['Plan Rows'];
    const rows = node['Plan Rows'];
    const isBig = Math.min(leftRows, rightRows) > bigInput;
    if (!isBig || rows <= multiplied * Math.max(leftRows, rightRows)) return [];
    return [{ left: left.table, right: right.table, leftRows, rightRows, rows }];
  });
}

/** Null without a table: the planner has no statistics of what is computed on the way, and guesses. */
function largestTable(root: PlanNode, sizes: TableSizes): FullRead | null {
  const tables = nodesOf(root).flatMap((node) => {
    const table = tableOf(node);
    const rows = sizes.get(table ?? '');
    return table === undefined || rows == null ? [] : [{ table, rows }];
  });
  return tables.sort((a, b) => b.rows - a.rows)[0] ?? null;
}
