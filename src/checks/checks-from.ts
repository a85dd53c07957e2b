import { ConfigError } from '../lifecycle/errors.ts';
import {
  type Check,
  type CheckColumn,
  type CostClass,
  costClasses,
  plannerSettings,
  type Severity,
  type SqlView,
  severities,
  type WindowKind,
  windowKinds,
} from './check.ts';

/** A statement with its header, as the adapter for SQL files reads it. */
export interface CheckSource {
  readonly file: string;
  readonly header: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  readonly sql: string;
}

/** What is wrong with a header, at the line of the key; line 1 when the key is missing. */
export interface HeaderProblem {
  readonly line: number;
  readonly key: string;
  readonly message: string;
}

const required = ['id', 'title', 'question', 'severity', 'finding', 'remedy', 'columns', 'cost'] as const;
const optional = ['looks-at', 'window', 'occurred', 'suite', 'settings', 'revision', 'note'];
const known: readonly string[] = [...required, ...optional];
const keysOfViews: readonly string[] = ['id', 'title', 'columns', 'cost', 'shared', 'note'];

/** Columns of these names hold a student's identity, whatever the header says. */
const alwaysPersonal = ['user_id', 'student_id', 'email', 'full_name'];

/** The checks of SQL files, most severe first. All problems of all headers are told at once. */
export function checksFrom(sources: readonly CheckSource[]): Check[] {
  const problems = sources.flatMap((source) =>
    headerProblems(source).map(({ line, key, message }) => `${source.file}:${line} ${key}: ${message}`),
  );
  const seen = new Map<string, string>();
  for (const { file, header } of sources) {
    const { value = '', line = 1 } = header.get('id') ?? {};
    const other = seen.get(value);
    if (other !== undefined) problems.push(`${file}:${line} id: "${value}" is the id of ${other} too`);
    seen.set(value, file);
  }
  if (problems.length > 0) {
    throw new ConfigError(problems.join('\n'), {
      hint: `the header of a check has the keys ${required.join(', ')}, and may have ${optional.join(', ')}; of your own checks, examctl integrity lint shows all that is wrong`,
    });
  }
  return mostSevereFirst(sources.map(toCheck));
}

export function mostSevereFirst(checks: readonly Check[]): Check[] {
  return [...checks].sort(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || (a.id < b.id ? -1 : 1),
  );
}

/** What is wrong with the header of one check, whatever others say. */
export function headerProblems({ file, header }: Pick<CheckSource, 'file' | 'header'>): HeaderProblem[] {
  const problems: HeaderProblem[] = [];
  const tell = (key: string, message: string) =>
    problems.push({ line: header.get(key)?.line ?? 1, key, message });
  const textOf = (key: string) => header.get(key)?.value ?? '';
  const id = textOf('id');
  for (const key of required) if (textOf(key) === '') tell(key, 'is missing');
  for (const key of header.keys()) if (!known.includes(key)) tell(key, 'is not a key of a check');
  for (const key of optional)
    if (header.has(key) && textOf(key) === '') tell(key, 'is empty: write it, or leave the line out');

  if (id !== '' && file.split(/[/\\]/).at(-1) !== `${id}.sql`)
    tell('id', `"${id}" is not the name of the file`);
  if (id !== '' && !/^[a-z][a-z0-9-]*$/.test(id)) tell('id', `"${id}" is not in kebab-case`);
  if (textOf('severity') !== '' && !severities.includes(textOf('severity') as Severity))
    tell('severity', `"${textOf('severity')}" is none of ${severities.join(', ')}`);
  const cost = textOf('cost').split(';')[0] ?? '';
  if (cost !== '' && !costClasses.includes(cost as CostClass)) {
    const example = 'write as "scan; 0.2 s for 2 million rows"';
    tell('cost', `"${cost}" is none of ${costClasses.join(', ')}; ${example}`);
  }
  const window = textOf('window');
  if (window !== '' && !windowKinds.includes(window as WindowKind))
    tell('window', `"${window}" is none of ${windowKinds.join(', ')}`);
  const settings = parseSettings(textOf('settings'));
  if (settings === undefined)
    tell('settings', `reads as "enable_hashjoin=off, ...", with ${plannerSettings.join(', ')}`);
  const columns = parseColumns(textOf('columns'));
  if (typeof columns === 'string') {
    tell('columns', `does not read as "name (meaning), name (meaning)" at "${columns}"`);
    return problems;
  }
  const occurred = textOf('occurred');
  if (occurred !== '' && columns.every(({ name }) => name !== occurred))
    tell('occurred', `"${occurred}" is none of the columns`);
  for (const { name, personal } of columns) {
    if (alwaysPersonal.includes(name) && !personal)
      tell('columns', `${name} names a student: write "${name} (personal: ...)"`);
  }
  return problems;
}

const columnPattern = /^([a-z_][a-z0-9_]*) \((personal: )?([^()]+)\)(?:, |$)/;

/** "session_id (the session), user_id (personal: the student)"; the rest that is not understood, as a string */
export function parseColumns(text: string): CheckColumn[] | string {
  const columns: CheckColumn[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole, name, personal, meaning] = columnPattern.exec(rest) ?? [];
    if (whole === undefined || name === undefined || meaning === undefined) return rest;
    columns.push({ name, meaning, personal: personal !== undefined });
    rest = rest.slice(whole.length);
  }
  return columns;
}

/** As much of a check as can be understood, by the name of its file. */
export function roughCheck(source: CheckSource): Check {
  const check = toCheck(source);
  const { title, severity, window, cost } = check;
  return {
    ...check,
    id: idOfFile(source.file),
    title: title === '' ? source.file : title,
    severity: severities.includes(severity) ? severity : 'major',
    window: windowKinds.includes(window) ? window : 'sessions',
    cost: costClasses.includes(cost.class) ? cost : { class: 'join', words: '' },
  };
}

/** "ops/checks/late-starts.sql" -> "late-starts" */
export function idOfFile(file: string): string {
  return (file.split(/[/\\]/).at(-1) ?? '').replace(/\.sql$/, '');
}

function toCheck({ file, header, sql }: CheckSource): Check {
  const value = (key: string) => header.get(key)?.value ?? '';
  const columns = parseColumns(value('columns'));
  return {
    id: value('id'),
    title: value('title'),
    question: value('question'),
    severity: value('severity') as Severity,
    finding: value('finding'),
    remedy: value('remedy'),
    columns: typeof columns === 'string' ? [] : columns,
    cost: costOf(value('cost')),
    window: header.has('window') ? (value('window') as WindowKind) : 'sessions',
    suites: listOf(value('suite')),
    ...(header.has('looks-at') ? { looksAt: value('looks-at') } : {}),
    ...(header.has('occurred') ? { occurred: value('occurred') } : {}),
    ...(header.has('revision') ? { revision: value('revision') } : {}),
    settings: parseSettings(value('settings')) ?? {},
    ...(header.has('note') ? { note: value('note') } : {}),
    file,
    sql,
  };
}

/** "enable_hashjoin=off, enable_hashagg=off"; undefined when it is not understood */
function parseSettings(text: string): Readonly<Record<string, string>> | undefined {
  const parts = listOf(text).map((part) => /^(\w+)=(on|off)$/.exec(part));
  if (parts.some((part) => part === null || !plannerSettings.includes(part[1] ?? ''))) return undefined;
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', part?.[2] ?? '']));
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function costOf(text: string): Check['cost'] {
  const [name = '', ...words] = text.split(';');
  return { class: name as CostClass, words: words.join(';').trim() };
}

/** The views of SQL files. Their names are those of relations, so they are written as such. */
export function viewsFrom(sources: readonly CheckSource[]): SqlView[] {
  const problems = sources.flatMap(({ file, header }) => {
    const name = header.get('id')?.value ?? '';
    return [
      ...[...header]
        .filter(([key]) => !keysOfViews.includes(key))
        .map(([key, { line }]) => `${file}:${line} ${key}: is not a key of a view`),
      ...(/^[a-z][a-z0-9_]*$/.test(name) && file.split(/[/\\]/).at(-1) === `${name}.sql`
        ? []
        : [
            `${file}:${header.get('id')?.line ?? 1} id: "${name}" is not the name of the file, in snake_case`,
          ]),
    ];
  });
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return sources.map(toView);
}

function toView({ file, header, sql }: CheckSource): SqlView {
  const shared = header.get('shared')?.value;
  return { name: header.get('id')?.value ?? '', ...(shared === undefined ? {} : { shared }), file, sql };
}
