import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
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

/** The .sql files at a path: itself, or those in it and below when it is a folder. */
export async function sqlFilesAt(path: string): Promise<string[]> {
  const found = await orUndefined(stat(path));
  if (found === undefined) {
    throw new UsageError(`there is no file ${path}`, { hint: 'make one with: examctl integrity new ID' });
  }
  return found.isDirectory() ? (await sqlFilesBelow(path)).sort() : [path];
}

async function sqlFilesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = entries.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sqlFilesBelow(path);
    return entry.name.endsWith('.sql') ? [path] : [];
  });
  return (await Promise.all(found)).flat();
}

/** Never throws: what is wrong with one file keeps nobody from the others. */
export async function readCheckFile(path: string, cwd: string): Promise<WrittenCheckFile> {
  const file = shownPath(path, cwd);
  const asWhole = (message: string): WrittenCheckFile => {
    return { file, text: '', header: new Map(), sql: '', unreadable: [{ line: 1, key: 'file', message }] };
  };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return asWhole(`cannot be read: ${messageOf(error)}`);
  }
  if (!isUtf8(bytes) || bytes.includes(0)) return asWhole('is no text (in UTF-8)');
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n');
  if (text.trim() === '') return asWhole('is empty');
  const { header, sql, problems } = readSql(text);
  return { file, text, header, sql, unreadable: problems };
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
