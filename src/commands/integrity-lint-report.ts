import type { LintResult } from '../checks/lint/lint-checks.ts';
import type { LintedFile } from '../checks/lint/lint-file.ts';
import type { TableSizes } from '../checks/lint/plan.ts';
import { canJudgePlans } from '../checks/lint/plan-rules.ts';
import { formatLintProblem, type LintProblem } from '../checks/lint/problem.ts';
import { exitCodeOf, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';

export function lintReport(result: LintResult): Report {
  const { files, open, environment, sizes } = result;
  const problems = files.flatMap((file) => file.problems);
  const outcomes = [...files.flatMap((file) => outcomesOf(file, result)), ...open];
  return {
    kind: 'integrity.lint',
    data: {
      environment,
      files: files.map(({ file, check }) => ({ file, check: check?.id ?? null })),
      problems,
      tables: [...sizes].map(([table, rows]) => ({ table, rows })),
      outcomes,
    },
    rows: problems,
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      ...problemBlock(problems),
      ...openBlock(open),
      { type: 'text', text: summary(result, problems) },
    ],
  };
}

function outcomesOf(
  { file, problems, check }: LintedFile,
  { environment, open, sizes }: LintResult,
): OutcomeRecord[] {
  if (problems.length > 0) return problems.map(outcomeOf);
  // What is open says so itself.
  if (open.some(({ title }) => title === file)) return [];
  const message = rightAsFarAs(environment, open, sizes);
  return [{ id: check?.id ?? 'file', title: file, outcome: 'pass', message }];
}

function rightAsFarAs(environment: string | null, open: readonly OutcomeRecord[], sizes: TableSizes): string {
  if (environment === null || open.some(({ outcome }) => outcome === 'unknown'))
    return 'header and statement are right, as far as the file tells';
  if (!canJudgePlans(sizes))
    return `header, statement and columns are right; ${environment} is too small to judge the plan`;
  return `header, statement, columns and plan are right on ${environment}`;
}

function outcomeOf({ code, severity, file, line, key, message, hint }: LintProblem): OutcomeRecord {
  return {
    id: code,
    title: `${file}:${line} ${key}`,
    outcome: severity === 'error' ? 'fail' : 'warn',
    message,
    ...(hint === undefined ? {} : { hint }),
    at: { file, line },
  };
}

/** Unwrapped lines: editors and CI find file:line in them. */
function problemBlock(problems: readonly LintProblem[]): Block[] {
  if (problems.length === 0) return [];
  const lines = problems.map(
    (problem) => `${problem.severity === 'warn' ? 'warning: ' : ''}${formatLintProblem(problem)}`,
  );
  return [{ type: 'code', text: lines.join('\n') }];
}

function openBlock(outcomes: readonly OutcomeRecord[]): Block[] {
  return outcomes.length === 0 ? [] : [{ type: 'outcomes', outcomes }];
}

function summary({ files, environment, sizes }: LintResult, problems: readonly LintProblem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const found = `${count(files.length, 'file')}, ${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`;
  if (environment === null) return `${found}; no database was asked`;
  const tables = [...sizes].map(([table, rows]) => ({ table, rows })).filter(isOfPlatform);
  const unmeasured = tables.filter(({ rows }) => rows === null);
  return [
    found,
    ...largestOf(tables).map(
      ({ table, rows }) =>
        `on ${environment}, where the largest table that they read is ${table} with ${amount(rows)} rows${canJudgePlans(sizes) ? '' : ': too few to judge plans'}`,
    ),
    ...(unmeasured.length === 0
      ? []
      : [
          `never analyzed, so that plans could not be judged by it: ${unmeasured.map(({ table }) => table).join(', ')} (ANALYZE)`,
        ]),
  ].join('; ');
}

interface Table {
  readonly table: string;
  readonly rows: number | null;
}

function isOfPlatform({ table }: Table): boolean {
  return !table.startsWith('pg_catalog.');
}

/** One, or none where no size is known. */
function largestOf(tables: readonly Table[]): { table: string; rows: number }[] {
  return tables
    .flatMap(({ table, rows }) => (rows === null ? [] : [{ table, rows }]))
    .sort((a, b) => b.rows - a.rows)
    .slice(0, 1);
}

function amount(rows: number): string {
  return Math.round(rows).toLocaleString('en-GB');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
