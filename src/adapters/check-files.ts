import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { UsageError } from '../lifecycle/errors.ts';
import { makeFolder } from './files.ts';
import { readSql, type SqlText } from './sql-files.ts';

/** A file as it is written, however wrong. */
export interface WrittenCheckFile {
  /** as a person would type it */
  readonly file: string;
  readonly text: string;
  readonly header: SqlText['header'];
  readonly sql: string;
  readonly unreadable: SqlText['problems'];
}

/** The .sql files at a path: itself, or those in it when it is a folder. */
export async function sqlFilesAt(path: string): Promise<string[]> {
  const found = await orUndefined(stat(path));
  if (found === undefined) {
    throw new UsageError(`there is no file ${path}`, { hint: 'make one with: examctl integrity new ID' });
  }
  if (!found.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => join(path, name));
}

export async function readCheckFile(path: string, cwd: string): Promise<WrittenCheckFile> {
  const text = (await readFile(path, 'utf8')).replaceAll('\r\n', '\n');
  const { header, sql, problems } = readSql(text);
  return { file: shownPath(path, cwd), text, header, sql, unreadable: problems };
}

/** Relative to where the person is, when it lies below. */
export function shownPath(path: string, cwd: string): string {
  const way = relative(cwd, path);
  return way === '' || way.startsWith('..') ? path : way;
}

/** False when there is a file of this name already; it is left as it is. */
export async function createCheckFile(folder: string, name: string, text: string): Promise<boolean> {
  makeFolder(folder, 0o755);
  try {
    await writeFile(join(folder, name), text, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
