import { type ErrorOptions, ExamctlError, messageOf, Undetermined } from '../lifecycle/errors.ts';

/** `code` is the SQLSTATE, or the system's error code when there was no answer. */
export class DatabaseUndetermined extends Undetermined {
  readonly code: string;

  constructor(message: string, options: ErrorOptions, code: string) {
    super(message, options);
    this.name = 'Undetermined';
    this.code = code;
  }
}

interface Explanation {
  readonly what: string;
  readonly hint: string;
}

export const runAgain =
  'see whether the database runs (of a sandbox: examctl sandbox status), then run this again';

/** https://www.postgresql.org/docs/15/errcodes-appendix.html, only those that say nothing about the statement's values. */
const explanations: Readonly<Record<string, Explanation>> = {
  '28000': {
    what: 'refuses the user',
    hint: 'check the user in database.url, and pg_hba.conf of the server',
  },
  '28P01': { what: 'refuses the password', hint: 'check the user and password in database.url' },
  '3D000': { what: 'has no such database', hint: 'check the name at the end of database.url' },
  '42501': {
    what: 'does not permit this',
    hint: 'for reading, run as its owner: GRANT SELECT ON ALL TABLES IN SCHEMA public TO <user of database.url>',
  },
  '42P01': {
    what: 'has no such table',
    hint: 'compare SELECT version_num FROM alembic_version with the revision that examctl knows (048_family_id)',
  },
  '42703': {
    what: 'has no such column',
    hint: 'compare SELECT version_num FROM alembic_version with the revision that examctl knows (048_family_id)',
  },
  '53100': {
    what: 'has no room left on its disk',
    hint: 'make room on the disk of the database server, then run this again',
  },
  '53300': {
    what: 'has no connection left',
    hint: 'see who holds them: SELECT application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2',
  },
  '55P03': {
    what: 'had to wait for a lock',
    hint: 'see who holds it: SELECT pid, query FROM pg_stat_activity WHERE pid = ANY (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity)',
  },
  '57014': {
    what: 'cancelled the statement',
    hint: 'look at a shorter time (--since), or again when the server has less to do',
  },
  '57P01': { what: 'ended the connection', hint: runAgain },
  '57P02': { what: 'crashed', hint: runAgain },
  '57P03': { what: 'is starting up', hint: runAgain },
  '25P03': { what: 'closed a transaction that was idle for too long', hint: 'run this again' },
};

/** pg gives neither code nor class to its own timer. */
const timedOut = 'timeout expired';

export function explainConnectError(error: unknown, place: string, timeout: number): Error {
  const code = codeOf(error) ?? codeOfFirst(error) ?? '08001';
  const explanation = explanations[code];
  if (explanation !== undefined) return explained(explanation, error, place, code);
  const message = messageOf(error);
  return new DatabaseUndetermined(
    `PostgreSQL at ${place} cannot be reached: ${message === timedOut ? `no answer in ${timeout / 1000} s` : message}`,
    {
      hint: `check that the database runs (of a sandbox: examctl sandbox status) and that ${place} is right: database.url in examctl.yaml`,
      cause: error,
    },
    code,
  );
}

/** Of a statement that was meant to write: one that was not is told so by its own transaction. */
const readOnly: Explanation = {
  what: 'takes no writes',
  hint: 'see why: SHOW default_transaction_read_only (a full disk, or the role), SELECT pg_is_in_recovery() (a standby: give the URL of the primary)',
};

/** Errors about the statement itself (a violated constraint, a division by zero) stay as pg made them, with their code. */
export function explainQueryError(error: unknown, place: string, { writes }: { writes: boolean }): unknown {
  if (error instanceof ExamctlError) return error;
  const code = codeOf(error);
  const explanation = writes && code === '25006' ? readOnly : explanations[code ?? ''];
  if (code === undefined || explanation === undefined) return error;
  return explained(explanation, error, place, code);
}

function explained({ what, hint }: Explanation, error: unknown, place: string, code: string): Undetermined {
  const message = `PostgreSQL at ${place} ${what}: ${messageOf(error)} (${code})`;
  return new DatabaseUndetermined(message, { hint, cause: error }, code);
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** "localhost" is tried by IPv6 and IPv4: one error holding both. */
function codeOfFirst(error: unknown): string | undefined {
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}
