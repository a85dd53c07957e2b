/** What is wrong with a check file, where, and what to write instead. */
export interface LintProblem {
  /** kebab-case, stable: scripts match on it */
  readonly code: string;
  /** an error keeps the check from being made, or makes it lie; a warning makes it worse than it could be */
  readonly severity: 'error' | 'warn';
  readonly file: string;
  readonly line: number;
  /** of the header, or `statement` */
  readonly key: string;
  readonly message: string;
  readonly hint?: string;
}

/** A problem of a known file. */
export type FoundProblem = Omit<LintProblem, 'file'>;

/** file:line key: problem (hint) */
export function formatLintProblem({ file, line, key, message, hint }: LintProblem): string {
  return `${file}:${line} ${key}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}
