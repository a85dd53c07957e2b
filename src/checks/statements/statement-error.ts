import { messageOf, Undetermined } from '../../lifecycle/errors.ts';

/** SQLSTATEs with which a server ends a session: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const endsSession = ['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'];

/** The connection is gone: no statement can be asked on it any more. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return false;
  // 08P01 is a statement that wants parameters. ECONNRESET, EPIPE: of the system; no SQLSTATE begins with E.
  return (code.startsWith('08') && code !== '08P01') || code.startsWith('E') || endsSession.includes(code);
}

/** An SQLSTATE, or a reason that we give ourselves; anything else is a bug, or the end of the connection. */
export function isAboutTheStatement(error: unknown): boolean {
  if (isConnectionLost(error)) return false;
  const code = codeOf(error);
  return code === undefined ? error instanceof Undetermined : /^[0-9A-Z]{5}$/.test(code);
}

/** From the first quotation mark to the last, of whatever language the server speaks: a value may hold some itself. */
const quoted = /["\u00ab\u00bb\u201c-\u201f].*["\u00ab\u00bb\u201c-\u201f]/s;

/**
 * Why a statement failed, in words that may leave the database: errors about values (SQLSTATE class 22, 23) quote those
 * of rows, and what a function raises (P0) may be anything.
 */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const message = messageOf(error);
  if (code === undefined) return message;
  if (code.startsWith('P0'))
    return `a function of the database raised an error, whose words may hold data (${code})`;
  const shown = /^2[23]/.test(code) ? message.replace(quoted, '"..."') : message;
  return shown.includes(code) ? shown : `${shown} (${code})`;
}

/** query_canceled: a timeout of the statement, as nobody else cancels it. */
export function isTimeout(error: unknown): boolean {
  return codeOf(error) === '57014';
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
