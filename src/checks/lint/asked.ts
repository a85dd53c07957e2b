import type { Postgres } from '../../lifecycle/environment.ts';
import type { Check } from '../check.ts';
import type { ServerState } from '../server/server-state.ts';
import type { StatementContext } from '../statements/statement.ts';
import type { LintedFile } from './lint-file.ts';
import { nameOf, sqlTokens } from './sql-tokens.ts';

/** One check that the database is asked about. */
export interface Asked {
  readonly query: Postgres['query'];
  readonly file: LintedFile;
  readonly check: Check;
  readonly context: Omit<StatementContext, 'scope'>;
  readonly server: ServerState;
  readonly windows: ReadonlyMap<string, string>;
  /** its name */
  readonly environment: string;
  /** filled with those of the tables that the plans read */
  readonly sizes: Map<string, number | null>;
}

export function headerLine({ file }: Asked, key: string): number {
  const index = file.text.split('\n').findIndex((line) => line.startsWith(`-- ${key}:`));
  return index === -1 ? 1 : index + 1;
}

/** A table that only a shared view names stands nowhere in the file. */
export function lineOfTable(table: string, { file, check }: Asked): number {
  const name = table.slice(table.indexOf('.') + 1);
  const token = sqlTokens(file.text).tokens.find((candidate) => nameOf(candidate) === name);
  return token?.line ?? lineOf(startOf(file, check), file);
}

export function startOf({ text }: LintedFile, { sql }: Check): number {
  return Math.max(0, text.lastIndexOf(sql));
}

export function lineOf(offset: number, { text }: LintedFile): number {
  return text.slice(0, offset).split('\n').length;
}
