import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { said } from '../lifecycle/redact.ts';
import { packageRoot } from './package-root.ts';

export interface HeaderField {
  readonly value: string;
  /** of the file, from 1 */
  readonly line: number;
}

/** One statement with what is said about it in lines like `-- title: each answer is stored` at the top of its file. */
export interface SqlFile {
  readonly file: string;
  readonly header: ReadonlyMap<string, HeaderField>;
  readonly sql: string;
}

/** The statements that come with examctl: sql/<platform>/<kind>/<id>.sql. */
export function readPackagedSql(platform: string, kind: string): Promise<SqlFile[]> {
  return readSqlFolder(join(packageRoot(), 'sql', platform, kind));
}

/** Of some fifty small files each one costs more to wait for than to read. */
export async function readSqlFolder(folder: string): Promise<SqlFile[]> {
  const names = namesIn(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const files = names.map((name) => join(folder, name));
  const parsed = files.map((file) => parseSqlFile(file, readFileSync(file, 'utf8')));
  const problems = parsed.flatMap((result) => ('problems' in result ? result.problems : []));
  if (problems.length > 0) {
    throw new ConfigError(problems.join('\n'), {
      hint: `a header reads like those in ${join('sql', 'exam-platform', 'checks')} of the examctl package`,
    });
  }
  return parsed.filter((result): result is SqlFile => !('problems' in result));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new ConfigError(`the folder ${folder} cannot be read: ${messageOf(cause)}`, {
      hint: 'check checks.folder in examctl.yaml',
      cause,
    });
  }
}

const fieldLine = /^-- ([a-z][a-z-]*):\s*(.*)$/;
const continuationLine = /^-- {2,}(\S.*)$/;

export function parseSqlFile(file: string, text: string): SqlFile | { problems: string[] } {
  const { problems, header, sql } = readSql(text);
  if (problems.length === 0) return { file, header, sql };
  return {
    problems: problems.map(({ line, key, message }) =>
      [`${file}:${line}`, ...(key === undefined ? [] : [`${key}:`]), message].join(' '),
    ),
  };
}

export interface SqlText extends Omit<SqlFile, 'file'> {
  readonly problems: readonly { readonly line: number; readonly key?: string; readonly message: string }[];
}

/** As much of it as can be read, and what is wrong with the rest. */
export function readSql(text: string): SqlText {
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith('--'));
  const header = new Map<string, HeaderField>();
  const problems: { line: number; key?: string; message: string }[] = [];
  let last: string | undefined;

  for (const [index, written] of lines.slice(0, end === -1 ? lines.length : end).entries()) {
    const line = index + 1;
    const [, key, value = ''] = fieldLine.exec(written) ?? [];
    const continued = continuationLine.exec(written)?.[1];
    const current = last === undefined ? undefined : header.get(last);
    if (key !== undefined) {
      if (header.has(key)) problems.push({ line, key, message: 'is given twice' });
      header.set(key, { value: value.trim(), line });
      last = key;
    } else if (continued !== undefined && last !== undefined && current !== undefined) {
      header.set(last, { ...current, value: `${current.value} ${continued.trim()}`.trim() });
    } else {
      const message = `"${said(written)}" is neither "-- key: value" nor a continuation, "--" and two or more spaces`;
      problems.push({ line, message });
    }
  }

  const sql = (end === -1 ? '' : lines.slice(end).join('\n')).trim().replace(/;$/, '').trimEnd();
  if (sql === '') problems.push({ line: lines.length, message: 'has no statement after its header' });
  return { header, sql, problems };
}
