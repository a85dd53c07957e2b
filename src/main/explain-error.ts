import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExamctlError, messageOf } from '../lifecycle/errors.ts';
import { redacted } from '../lifecycle/redact.ts';

export interface ExplainedError {
  readonly exitCode: number;
  readonly text: string;
}

/** Errors of the system that a person can mend, by their code. */
const systemErrors: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room, or choose another folder with --state DIR',
  EDQUOT: 'the disk quota is used up: make room, or choose another folder with --state DIR',
  EACCES: 'the folder may not be written: choose another one with --state DIR',
  EPERM: 'the operation is not permitted to this user',
  EROFS: 'the file system is read-only: choose another folder with --state DIR',
  ENOENT: 'a folder is missing and cannot be made: choose another one with --state DIR',
  ENOTDIR: 'a part of this path is a file: choose another folder with --state DIR',
  EEXIST: 'a file is where a folder is needed: choose another folder with --state DIR',
  EMFILE: 'too many open files: raise the limit with ulimit -n',
};

/** The one place that tells a known error from a bug. */
export function explainError(error: unknown, debug: boolean): ExplainedError {
  const stack = debug && error instanceof Error ? `\n${redacted(error.stack ?? '')}` : '';
  if (error instanceof ExamctlError) {
    const hint = error.hint === undefined ? '' : `\n${indent(error.hint)}`;
    return { exitCode: error.exitCode, text: `${error.message}${hint}${stack}` };
  }
  if (isCommanderError(error)) return { exitCode: error.exitCode === 0 ? 0 : 2, text: '' };
  const remedy = remedyFor(error);
  if (remedy !== undefined) return { exitCode: 3, text: `${messageOf(error)}\n${indent(remedy)}${stack}` };
  const told = toldFromOutside(error);
  if (told !== undefined) return { exitCode: 3, text: `${told}${stack}` };
  return {
    exitCode: 70,
    text: `a bug in examctl: ${messageOf(error)}\n${indent('run it again with --debug for the stack, and report it')}${stack}`,
  };
}

/** What somebody else answered, however odd, is no bug of ours. */
function toldFromOutside(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const hint = indent('run it again, and with --debug to see where it was asked');
  const isOfPostgres = 'severity' in error && /^[0-9A-Z]{5}$/.test(String(error.code));
  if (isOfPostgres)
    return `PostgreSQL did not carry it out: ${messageOf(error)} (${String(error.code)})\n${hint}`;
  const isOfSystem = 'syscall' in error || String(error.code).startsWith('UND_ERR_');
  return isOfSystem ? `${messageOf(error)}\n${hint}` : undefined;
}

/** For an error of the system that a person can mend. */
export function remedyFor(error: unknown): string | undefined {
  return ofAnotherUser(error) ?? systemErrors[(error as NodeJS.ErrnoException | undefined)?.code ?? ''];
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** commander has said itself what was wrong; what is left is the exit code. */
function isCommanderError(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** To choose another folder there would be to know nothing of the runs in this one. */
function ofAnotherUser(error: unknown): string | undefined {
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if ((code !== 'EACCES' && code !== 'EPERM') || path === undefined) return undefined;
  const owner = ownerOf(path);
  if (owner === undefined || owner === process.geteuid?.()) return undefined;
  return `it belongs to another user (uid ${owner}): run examctl as that user (sudo -u '#${owner}' ...), or have the folder opened to this account; in another state folder the runs of this one are not seen`;
}

/** Of the path, or of the nearest folder above it that can be looked at; undefined where nothing is there. */
function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch (error) {
    const hidden = (error as NodeJS.ErrnoException).code === 'EACCES' && dirname(path) !== path;
    return hidden ? ownerOf(dirname(path)) : undefined;
  }
}
