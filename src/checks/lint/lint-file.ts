import type { IntegrityFacts } from '../../lifecycle/platform.ts';
import { type Check, keyColumns, type SqlView } from '../check.ts';
import { type CheckSource, checksFrom, headerProblems } from '../checks-from.ts';
import { viewsOf } from '../statements/views.ts';
import { placeholderIn } from '../template.ts';
import type { FoundProblem, LintProblem } from './problem.ts';
import { nameOf, sqlTokens } from './sql-tokens.ts';
import { statementProblems } from './statement-rules.ts';

/** A file as it is written, however wrong. */
export interface CheckFile extends CheckSource {
  /** as it is shown to people */
  readonly file: string;
  readonly text: string;
  /** what keeps its header from being read */
  readonly unreadable: readonly Unreadable[];
}

/** Of the key `file`: it keeps the whole file from being read. */
interface Unreadable {
  readonly line: number;
  readonly key?: string;
  readonly message: string;
}

/** What a file is judged against. */
export interface LintFrame {
  readonly facts: IntegrityFacts;
  readonly views: readonly SqlView[];
  /** what checks of severity info count */
  readonly counted: readonly string[];
  /** id -> the other files that have it */
  readonly filesOf: ReadonlyMap<string, readonly string[]>;
}

export interface LintedFile {
  readonly file: string;
  readonly text: string;
  /** null when its header is too wrong to say what it would check */
  readonly check: Check | null;
  readonly problems: readonly LintProblem[];
}

/** All that can be said without a database. */
export function lintFile(source: CheckFile, frame: LintFrame): LintedFile {
  const { file, text, unreadable, header } = source;
  const asWhole = unreadable.find(({ key }) => key === 'file');
  if (asWhole !== undefined) return { file, text, check: null, problems: [fileProblem(file, asWhole)] };
  const platformTables = tablesOf(frame.facts);
  const ofHeader: FoundProblem[] = [
    ...unreadable.map(({ line, key = 'header', message }) => headerError(line, key, message)),
    ...headerProblems(source).map(({ line, key, message }) => headerError(line, key, message)),
    ...unwritten(source),
    ...doubledId(source, frame),
  ];
  const readable = unreadable.length === 0 && headerProblems(source).length === 0;
  const [check = null] = readable ? checksFrom([source]) : [];
  const found = [
    ...ofHeader,
    ...(source.sql === '' ? [] : statementProblems(text, { platformTables })),
    ...(check === null ? [] : unfit(check, header, frame)),
  ];
  const problems = found.map((problem) => ({ ...problem, file })).sort((a, b) => a.line - b.line);
  return { file, text, check, problems: withoutVain(problems) };
}

/** A statement that is to be written otherwise may need no advice about its window then. */
export function withoutVain(problems: readonly LintProblem[]): LintProblem[] {
  const isWrong = problems.some(
    ({ key, severity, code }) => key === 'statement' && severity === 'error' && code !== 'qualified-table',
  );
  return problems.filter(({ code }) => !isWrong || code !== 'window');
}

function fileProblem(file: string, { line, message }: Unreadable): LintProblem {
  const hint = 'examctl integrity new ID shows a complete check';
  return { code: 'unreadable', severity: 'error', file, line, key: 'file', message, hint };
}

export function tablesOf({ sessionColumns, writtenAt }: IntegrityFacts): string[] {
  return [...new Set([...Object.keys(sessionColumns), ...Object.keys(writtenAt)])];
}

const headerHint = 'examctl integrity new ID shows a complete header';

function headerError(line: number, key: string, message: string): FoundProblem {
  return { code: 'header', severity: 'error', line, key, message, hint: headerHint };
}

/** What `integrity new` left for a person to write. */
function unwritten({ header }: CheckFile): FoundProblem[] {
  return [...header].flatMap(([key, { value, line }]) => {
    const placeholder = placeholderIn(value);
    if (placeholder === undefined) return [];
    const message = 'is still to be written';
    return [{ code: 'unwritten', severity: 'error', line, key, message, hint: `write ${placeholder}` }];
  });
}

function doubledId({ file, header }: CheckFile, { filesOf }: LintFrame): FoundProblem[] {
  const { value = '', line = 1 } = header.get('id') ?? {};
  const others = value === '' ? [] : (filesOf.get(value) ?? []).filter((other) => other !== file);
  return others.map((other) => ({
    code: 'doubled-id',
    severity: 'error',
    line,
    key: 'id',
    message: `"${value}" is the id of ${other} too`,
    hint: 'give the file and the id another name',
  }));
}

/** What is allowed, and does not do what its author thinks. */
function unfit(check: Check, header: CheckFile['header'], frame: LintFrame): FoundProblem[] {
  const problems: FoundProblem[] = [];
  const warn = (code: string, key: string, message: string, hint: string) =>
    problems.push({ code, severity: 'warn', line: header.get(key)?.line ?? 1, key, message, hint });
  const { looksAt, window } = check;
  if (looksAt !== undefined && !frame.counted.includes(looksAt)) {
    const hint = `one of ${frame.counted.join(', ')}`;
    warn('uncounted', 'looks-at', `"${looksAt}" is counted by no check`, hint);
  }
  if (keyColumns(check).length === 0) {
    const hint = 'add an id, as session_id (the session)';
    warn('no-key', 'columns', 'all are personal, so that findings cannot be told apart and accepted', hint);
  }
  if (window !== 'none' && !usesTableOf(window, check, frame)) {
    const hint = 'write "window: none"';
    warn('window', 'window', `no table that it reads has a window of ${window}`, hint);
  }
  return problems;
}

function usesTableOf(window: 'sessions' | 'time', { sql }: Check, { facts, views }: LintFrame): boolean {
  const tables = Object.keys(window === 'sessions' ? facts.sessionColumns : facts.writtenAt);
  const read = [sql, ...viewsOf([sql], views).map((view) => view.sql)];
  return read.some((text) => sqlTokens(text).tokens.some((token) => tables.includes(nameOf(token) ?? '')));
}
