import type { Scope } from '../statements/scope.ts';
import { statementOf } from '../statements/statement.ts';
import { scopeOf } from '../statements/windows.ts';
import { type Asked, headerLine, lineOfTable } from './asked.ts';
import { type PlanNode, planOf, sizesOf, type TableSizes } from './plan.ts';
import { bigTablesRead, type FullRead, manyToManyJoins } from './plan-rules.ts';
import type { FoundProblem } from './problem.ts';

export async function planProblems(asked: Asked): Promise<FoundProblem[]> {
  const { query, check, context } = asked;
  const planFor = (scope: Scope | null) => planOf({ query }, statementOf([check], { ...context, scope }));
  const whole = await planFor(null);
  const scoped = check.window === 'sessions' ? await planFor(oneSession(asked)) : null;
  const sizes = await sizesOf({ query }, scoped === null ? [whole] : [whole, scoped]);
  for (const [table, rows] of sizes) asked.sizes.set(table, rows);
  return [
    ...costProblems(whole, sizes, asked),
    ...(scoped === null ? [] : windowProblems(scoped, sizes, asked)),
    ...joinProblems(whole, sizes, asked),
  ];
}

/** Of few sessions a run asks for the ids first, and so it is planned here. */
function oneSession({ windows }: Asked): Scope | null {
  const ids = ['00000000-0000-4000-8000-000000000000'];
  const scope = scopeOf({ sessions: ids }, windows);
  return scope === null ? null : { ...scope, ids };
}

function costProblems(plan: PlanNode, sizes: TableSizes, asked: Asked): FoundProblem[] {
  const { check } = asked;
  if (check.cost.class !== 'index' && check.cost.class !== 'catalogue') return [];
  return bigTablesRead(plan, sizes).map((read) => ({
    code: 'cost',
    severity: 'warn',
    line: headerLine(asked, 'cost'),
    key: 'cost',
    message: `says ${check.cost.class}, and the plan reads all of ${inWords(read)}`,
    hint: 'write "scan; ..." or "join; ...", or select by an indexed column',
  }));
}

function windowProblems(plan: PlanNode, sizes: TableSizes, asked: Asked): FoundProblem[] {
  return bigTablesRead(plan, sizes).map((read) => ({
    code: 'no-index-for-window',
    severity: 'warn',
    line: lineOfTable(read.table, asked),
    key: 'statement',
    message: `even for one session the plan reads all of ${inWords(read)}`,
    hint: 'join it by its session_id as it is stored, without a cast or function around it',
  }));
}

function joinProblems(plan: PlanNode, sizes: TableSizes, asked: Asked): FoundProblem[] {
  return manyToManyJoins(plan, sizes).map(({ left, right, leftRows, rightRows, rows }) => ({
    code: 'many-to-many',
    severity: 'warn',
    line: lineOfTable(right, asked),
    key: 'statement',
    message: `joins ${inWords({ table: left, rows: leftRows })} with ${inWords({ table: right, rows: rightRows })} into ${amount(rows)} rows`,
    hint: 'count each by session first and join the counts, or join by the whole key',
  }));
}

function inWords({ table, rows }: FullRead): string {
  return `${table.replace(/^public\./, '')} (${amount(rows)} rows)`;
}

function amount(rows: number): string {
  return Math.round(rows).toLocaleString('en-GB');
}
