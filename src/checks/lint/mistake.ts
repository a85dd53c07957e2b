import { messageOf } from '../../lifecycle/errors.ts';
import { type Asked, lineOf, startOf } from './asked.ts';
import type { FoundProblem } from './problem.ts';

/** https://www.postgresql.org/docs/15/errcodes-appendix.html: what is written, its constants, what no server can do. */
const aboutTheStatement = /^(42|22|0A)/;
/** It may be right, for a user who may read the table. */
const notPermitted = '42501';
const mistakes: Readonly<Record<string, string>> = {
  '42P01': 'missing-table',
  '42703': 'missing-column',
  '42883': 'missing-function',
};

/** Null: the statement may be right, and could not be looked at. */
export function mistakeOf(error: unknown, sent: string, asked: Asked): FoundProblem | null {
  const { server, environment } = asked;
  const state = sqlStateOf(error) ?? '';
  if (!aboutTheStatement.test(state) || state === notPermitted) return null;
  const original = originalOf(error);
  const revision = server.revision === null ? '' : `, whose schema has revision ${server.revision}`;
  const code = mistakes[state] ?? 'not-understood';
  return {
    code,
    severity: 'error',
    line: lineOfError(original, sent, asked),
    key: 'statement',
    message: `${environment} says: ${messageOf(original)} (${state})`,
    ...(code === 'not-understood'
      ? {}
      : {
          hint: `asked on ${environment}${revision}; of a later one, write "-- revision: ..." into the header`,
        }),
  };
}

/** The adapter puts words of its own around some errors of PostgreSQL. */
function originalOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return sqlStateOf(cause) === undefined ? error : cause;
}

/** PostgreSQL counts characters from the start of what it was sent, which has the check's own text in it. */
function lineOfError(error: unknown, sent: string, { file, check }: Asked): number {
  const { position } = error as { position?: string };
  const start = startOf(file, check);
  const before = [...sent].slice(0, Number(position ?? 0) - 1).join('').length;
  const offset = before - sent.indexOf(check.sql);
  const isInCheck = position !== undefined && offset >= 0 && offset <= check.sql.length;
  return lineOf(isInCheck ? start + offset : start, file);
}

export function sqlStateOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
