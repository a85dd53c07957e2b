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

/** file:line:column path: problem (hint) */
export function formatProblem({ file, line, column, path, message, hint }: LocatedProblem): string {
  const subject = path === '' ? '' : `${path}: `;
  return `${file}:${line}:${column} ${subject}${message}${hint === undefined ? '' : ` (${hint})`}`;
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
