import { ExamctlError, messageOf } from '../lifecycle/errors.ts';
import type { Report } from '../report/report.ts';
import type { BegunRun } from './context.ts';

export interface Failure {
  readonly error: unknown;
  readonly exitCode: number;
}

/** What stdout gets for scripts when a command could not report: why, and the runs that it had begun. */
export function failureReport({ error, exitCode }: Failure, runs: readonly BegunRun[]): Report {
  const kind = error instanceof Error ? error.name : 'Error';
  const hint = error instanceof ExamctlError ? (error.hint ?? null) : null;
  // commander writes its own prefix, for people
  const message = messageOf(error).replace(/^error: /, '');
  return {
    kind: 'error',
    data: { error: { kind, message, hint }, exitCode, runs },
    blocks: [{ type: 'text', text: message }],
    exitCode,
  };
}
