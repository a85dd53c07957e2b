export type Path = readonly (string | number)[];

export interface Problem {
  /** kebab-case, stable: scripts match on it */
  readonly code: string;
  readonly path: Path;
  readonly message: string;
  /** what to write instead */
  readonly hint?: string;
  /** where in the file to point: the key itself when it is the key that is wrong */
  readonly at?: 'key' | 'value';
}

export interface LocatedProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** "environments.staging.driver.kind" */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** A problem of what stands at "examctl.yaml:7:12". */
export function problemAt(where: string, problem: Omit<Problem, 'at'>): LocatedProblem {
  const [, file = where, line = 1, column = 1] = /^(.*):(\d+):(\d+)$/.exec(where) ?? [];
  return { ...problem, file, line: Number(line), column: Number(column), path: formatPath(problem.path) };
}

/** file:line:column path: problem (hint) */
export function formatProblem({ file, line, column, path, message, hint }: LocatedProblem): string {
  const subject = path === '' ? '' : `${path}: `;
  return `${file}:${line}:${column} ${subject}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Each once. */
export function inFileOrder(problems: readonly LocatedProblem[]): LocatedProblem[] {
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function startsWith(path: Path, start: Path): boolean {
  return start.every((part, index) => path[index] === part);
}
