import { ConfigError } from '../lifecycle/errors.ts';
import {
  type Check,
  type CheckColumn,
  type CostClass,
  costClasses,
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

const required = ['id', 'title', 'question', 'severity', 'finding', 'remedy', 'columns', 'cost'] as const;
const optional = ['looks-at', 'window', 'occurred', 'suite', 'revision', 'note'];
const known: readonly string[] = [...required, ...optional];
const keysOfViews: readonly string[] = ['id', 'title', 'columns', 'cost', 'note'];

/** Columns of these names hold a student's identity, whatever the header says. */
const alwaysPersonal = ['user_id', 'student_id', 'email', 'full_name'];

/** The checks of SQL files, most severe first. All problems of all headers are told at once. */
export function checksFrom(sources: readonly CheckSource[]): Check[] {
  const problems = sources.flatMap(problemsOf);
  const seen = new Map<string, string>();
  for (const { file, header } of sources) {
    const { value = '', line = 1 } = header.get('id') ?? {};
    const other = seen.get(value);
    if (other !== undefined) problems.push(`${file}:${line} id: "${value}" is the id of ${other} too`);
    seen.set(value, file);
  }
  if (problems.length > 0) {
    throw new ConfigError(problems.join('\n'), {
      hint: `the header of a check has the keys ${required.join(', ')}, and may have ${optional.join(', ')}`,
    });
  }
  return sources
    .map(toCheck)
    .sort(
      (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || (a.id < b.id ? -1 : 1),
    );
}

function problemsOf({ file, header }: CheckSource): string[] {
  const at = (key: string) => `${file}:${header.get(key)?.line ?? 1} ${key}:`;
  const textOf = (key: string) => header.get(key)?.value ?? '';
  const id = textOf('id');
  const problems = required.filter((key) => textOf(key) === '').map((key) => `${at(key)} is missing`);

  for (const key of header.keys()) {
    if (!known.includes(key)) problems.push(`${at(key)} is not a key of a check`);
  }
  if (id !== '' && file.split(/[/\\]/).at(-1) !== `${id}.sql`)
    problems.push(`${at('id')} "${id}" is not the name of the file`);
  if (id !== '' && !/^[a-z][a-z0-9-]*$/.test(id)) problems.push(`${at('id')} "${id}" is not in kebab-case`);
  if (textOf('severity') !== '' && !severities.includes(textOf('severity') as Severity)) {
    problems.push(`${at('severity')} "${textOf('severity')}" is none of ${severities.join(', ')}`);
  }
  const cost = textOf('cost').split(';')[0] ?? '';
  if (cost !== '' && !costClasses.includes(cost as CostClass)) {
    problems.push(
      `${at('cost')} "${cost}" is none of ${costClasses.join(', ')}; write as "scan; 0.2 s for 2 million rows"`,
    );
  }
  const window = textOf('window');
  if (window !== '' && !windowKinds.includes(window as WindowKind))
    problems.push(`${at('window')} "${window}" is none of ${windowKinds.join(', ')}`);
  const columns = parseColumns(textOf('columns'));
  const occurred = textOf('occurred');
  if (occurred !== '' && typeof columns !== 'string' && columns.every(({ name }) => name !== occurred))
    problems.push(`${at('occurred')} "${occurred}" is none of the columns`);
  if (typeof columns === 'string') {
    problems.push(`${at('columns')} does not read as "name (meaning), name (meaning)" at "${columns}"`);
  } else {
    const open = columns.filter(({ name, personal }) => alwaysPersonal.includes(name) && !personal);
    problems.push(
      ...open.map(({ name }) => `${at('columns')} ${name} names a student: write "${name} (personal: ...)"`),
    );
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
    suites: value('suite')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    ...(header.has('looks-at') ? { looksAt: value('looks-at') } : {}),
    ...(header.has('occurred') ? { occurred: value('occurred') } : {}),
    ...(header.has('revision') ? { revision: value('revision') } : {}),
    ...(header.has('note') ? { note: value('note') } : {}),
    file,
    sql,
  };
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
  return sources.map(({ file, header, sql }) => ({ name: header.get('id')?.value ?? '', file, sql }));
}
