import { ConfigError } from './errors.ts';

export interface CsvLine {
  /** as an editor counts */
  readonly line: number;
  readonly values: readonly string[];
}

/** Lines without content are left out; throws ConfigError with file and line. */
export function csvLines(text: string, file: string): CsvLine[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content.trim() !== '')
    .map(({ content, line }) => ({ line, values: csvValues(content, `${file}:${line}`) }));
}

/** A value in quotes may hold commas, and quotes written twice; a value over several lines is not for us. */
function csvValues(content: string, place: string): string[] {
  const value = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  const values: string[] = [];
  for (;;) {
    const found = value.exec(content);
    // without the line itself: it holds a token
    if (found === null) throw new ConfigError(`${place} has a quote that does not enclose a whole value`);
    const [, quoted, plain = '', end] = found;
    values.push(quoted?.replaceAll('""', '"') ?? plain.trim());
    if (end === '') return values;
  }
}
