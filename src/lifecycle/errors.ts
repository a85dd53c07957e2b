import { redacted } from './redact.ts';

export interface ErrorOptions {
  /** what to type or do next */
  hint?: string;
  cause?: unknown;
}

/** An error that a user is meant to see: message, hint, exit code, no secret. Everything else is a bug in examctl. */
export abstract class ExamctlError extends Error {
  abstract readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, { hint, cause }: ErrorOptions = {}) {
    super(redacted(message), { cause });
    this.name = new.target.name;
    this.hint = hint === undefined ? hint : redacted(hint);
  }
}

/** Wrong flags, arguments or names. Nothing was done. */
export class UsageError extends ExamctlError {
  readonly exitCode = 2;
}

/** Wrong configuration; the message lists every problem, one a line. Nothing was done. */
export class ConfigError extends ExamctlError {
  readonly exitCode = 2;
}

/** The question could not be answered: unreachable, timed out, evidence missing. */
export class Undetermined extends ExamctlError {
  readonly exitCode = 3;
}

/** Not allowed now; nothing was changed. The hint says what would be needed. */
export class Refused extends ExamctlError {
  readonly exitCode = 4;
}

/** A change failed. `reverted` tells whether the environment is as it was; if not, a person must act. */
export class OperationFailed extends ExamctlError {
  readonly exitCode: 5 | 6;

  constructor(message: string, { reverted, ...options }: ErrorOptions & { reverted: boolean }) {
    super(message, options);
    this.exitCode = reverted ? 5 : 6;
  }
}

/** SIGINT or SIGTERM; what was open has been reverted. */
export class Interrupted extends ExamctlError {
  readonly exitCode: 130 | 143;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', options: ErrorOptions = {}) {
    super(`interrupted by ${signal}`, options);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** Our own errors, and those of PostgreSQL and the operating system, which carry a code; everything else is a bug. */
export function isExpected(error: unknown): boolean {
  return error instanceof ExamctlError || (error instanceof Error && 'code' in error);
}

/** The message of whatever was thrown, for use inside another message or record. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return redacted(error instanceof Error ? withoutQuote(error) : String(error));
}

/** Parsers quote what they stumbled over, and PostgreSQL the value that it could not take (SQLSTATE class 22). */
function withoutQuote(error: Error): string {
  const { name, message } = error;
  if (name === 'SyntaxError' && message.includes('JSON')) {
    return `it is not JSON${/ at position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0] ?? ''}`;
  }
  if (name.startsWith('YAML')) return message.replace(/:\s.*$/s, '');
  const code = 'code' in error ? String(error.code) : '';
  return /^22[0-9A-Z]{3}$/.test(code) ? message.replace(/"[^"]*"/g, '"***"') : message;
}
