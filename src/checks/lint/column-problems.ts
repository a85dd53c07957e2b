import { viewsOf } from '../statements/views.ts';
import { type Asked, headerLine } from './asked.ts';
import type { FoundProblem } from './problem.ts';
import { sqlTokens } from './sql-tokens.ts';
import { calledFunctions } from './statement-rules.ts';

/** A row of nulls, made without reading anything: its columns are those of the check. */
function emptyRow({ check, context: { views } }: Asked): { before: string; after: string } {
  const used = viewsOf([check.sql], views).map(({ name, sql }) => `"${name}" AS (\n${sql}\n)`);
  const prefix = used.length === 0 ? '' : `WITH ${used.join(',\n')}\n`;
  return {
    before: prefix,
    after: `(SELECT) one LEFT JOIN (SELECT * FROM (\n${check.sql}\n) c LIMIT 0) f ON true`,
  };
}

export async function columnProblems(asked: Asked): Promise<FoundProblem[]> {
  const { query, check } = asked;
  const { before, after } = emptyRow(asked);
  const { rows } = await query<{ names: string[] }>(
    `${before}SELECT array_agg(k.name ORDER BY k.place) AS names
       FROM json_object_keys((SELECT row_to_json(r) FROM (SELECT f.* FROM ${after}) r)) WITH ORDINALITY AS k(name, place)`,
  );
  const returned = rows[0]?.names ?? [];
  const declared = check.columns.map(({ name }) => name);
  const tell = (severity: 'error' | 'warn', message: string, hint: string): FoundProblem => ({
    code: 'columns',
    severity,
    line: headerLine(asked, 'columns'),
    key: 'columns',
    message,
    hint,
  });
  const missing = declared.filter((name) => !returned.includes(name));
  const extra = returned.filter((name) => !declared.includes(name));
  const twice = returned.filter((name, index) => returned.indexOf(name) < index);
  const problems = [
    ...missing.map((name) =>
      tell(
        'error',
        `${name} is declared, and the statement does not return it`,
        `it returns ${returned.join(', ')}`,
      ),
    ),
    ...twice.map((name) =>
      tell('error', `the statement returns ${name} twice`, 'name one of them otherwise: AS ...'),
    ),
    ...extra.map((name) =>
      tell(
        'warn',
        `the statement returns ${name}, which is never shown`,
        `declare it: "${name} (what it means)"`,
      ),
    ),
  ];
  if (problems.length === 0 && declared.join() !== returned.join())
    problems.push(
      tell('warn', 'are declared in another order than returned', `in order: ${returned.join(', ')}`),
    );
  if (missing.length > 0 || twice.length > 0) return problems;
  return [...problems, ...(await occurredProblems(asked))];
}

const times = ['timestamp with time zone', 'timestamp without time zone', 'date'];

async function occurredProblems(asked: Asked): Promise<FoundProblem[]> {
  const { query, check } = asked;
  if (check.occurred === undefined) return [];
  const { before, after } = emptyRow(asked);
  const { rows } = await query<{ type: string }>(
    `${before}SELECT pg_typeof(f."${check.occurred}")::text AS type FROM ${after}`,
  );
  const type = rows[0]?.type ?? 'unknown';
  if (times.includes(type)) return [];
  return [
    {
      code: 'occurred',
      severity: 'error',
      line: headerLine(asked, 'occurred'),
      key: 'occurred',
      message: `${check.occurred} is of type ${type}, and no time`,
      hint: 'name a column of type timestamptz, or leave the line out',
    },
  ];
}

/** What the list of forbidden functions cannot know: those of this server. */
export async function volatileFunctions({ query, file }: Asked): Promise<FoundProblem[]> {
  const called = calledFunctions(sqlTokens(file.text).tokens);
  const { rows } = await query<{ name: string }>(
    `SELECT proname AS name FROM pg_proc WHERE proname = ANY ($1::text[])
      GROUP BY proname HAVING bool_and(provolatile = 'v') ORDER BY proname`,
    [called.map(({ text }) => text)],
  );
  return rows.map(({ name }) => ({
    code: 'volatile',
    severity: 'warn',
    line: called.find(({ text }) => text === name)?.line ?? 1,
    key: 'statement',
    message: `${name}() is volatile: it may write, or answer otherwise each time`,
    hint: 'use a function that is STABLE or IMMUTABLE',
  }));
}
