import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
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

export async function readSqlFolder(folder: string): Promise<SqlFile[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.sql')).sort();
  const files = names.map((name) => join(folder, name));
  const parsed = await Promise.all(
    files.map(async (file) => parseSqlFile(file, await readFile(file, 'utf8'))),
  );
  const problems = parsed.flatMap((result) => ('problems' in result ? result.problems : []));
  if (problems.length > 0) {
    throw new ConfigError(problems.join('\n'), {
      hint: `a header reads like those in ${join('sql', 'exam-platform', 'checks')} of the examctl package`,
    });
  }
  return parsed.filter((result): result is SqlFile => !('problems' in result));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
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
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith('--'));
  const header = new Map<string, HeaderField>();
  const problems: string[] = [];
  let last: string | undefined;

  for (const [index, line] of lines.slice(0, end === -1 ? lines.length : end).entries()) {
    const at = `${file}:${index + 1}`;
    const [, key, value = ''] = fieldLine.exec(line) ?? [];
    const continued = continuationLine.exec(line)?.[1];
    const current = last === undefined ? undefined : header.get(last);
    if (key !== undefined) {
      if (header.has(key)) problems.push(`${at} ${key}: is given twice`);
      header.set(key, { value: value.trim(), line: index + 1 });
      last = key;
    } else if (continued !== undefined && last !== undefined && current !== undefined) {
      header.set(last, { ...current, value: `${current.value} ${continued.trim()}`.trim() });
    } else {
      problems.push(
        `${at} "${line}" is neither "-- key: value" nor a continuation, "--" and two or more spaces`,
      );
    }
  }

  const sql = (end === -1 ? '' : lines.slice(end).join('\n')).trim().replace(/;$/, '').trimEnd();
  if (sql === '') problems.push(`${file}:${lines.length} has no statement after its header`);
  return problems.length > 0 ? { problems } : { file, header, sql };
}
