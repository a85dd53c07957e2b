import { ConfigError } from './errors.ts';

export interface CsvRow<Column extends string> {
  /** on which it begins, as an editor counts */
  readonly line: number;
  /** without blanks around it; '' where the file has none */
  value(column: Column): string;
}

interface Columns<Column extends string> {
  readonly required: readonly Column[];
  readonly optional?: readonly Column[];
}

interface CsvRecord {
  readonly line: number;
  readonly values: readonly string[];
}

/**
 * The rows below a header that has the columns, in any order and case, among others. Whatever parts the values and ends
 * the lines is understood; empty lines are passed over. Throws ConfigError with file and line, and never with a value:
 * it may be a token.
 */
export async function csvRows<Column extends string>(
  text: string,
  file: string,
  { required, optional = [] }: Columns<Column>,
): Promise<CsvRow<Column>[]> {
  const [header, ...rows] = await recordsOf(text, file);
  const missing = required.some((name) => columnOf(header, name) === -1);
  if (header === undefined || missing) throw wrongHeader(header, file, required);
  const at = new Map([...required, ...optional].map((name) => [name, columnOf(header, name)]));
  return rows.map(({ line, values }) => ({ line, value: (column) => values[at.get(column) ?? -1] ?? '' }));
}

async function recordsOf(text: string, file: string): Promise<CsvRecord[]> {
  // Excel's own first line is "sep=;", which the header shows anyway.
  const lines = text
    .replace(/\r\n?/g, '\n')
    .replace(/^\uFEFF/, '')
    .replace(/^sep=.(?=\n)/i, '');
  const { CsvError, parse } = await import('csv-parse/sync');
  const records: CsvRecord[] = [];
  let line = 1;
  try {
    parse(lines, {
      delimiter: delimiterOf(lines),
      on_record: (values: string[], info) => {
        records.push({ line, values });
        line = info.lines + 1;
      },
      record_delimiter: '\n',
      relax_column_count: true,
      trim: true,
    });
  } catch (error) {
    throw error instanceof CsvError ? notCsv(error, `${file}:${line}`) : error;
  }
  return records.filter(({ values }) => values.some((value) => value !== ''));
}

/** That of which the first line has the most, outside of quotes. */
function delimiterOf(lines: string): string {
  const first =
    lines
      .trimStart()
      .split('\n', 1)[0]
      ?.replace(/"[^"]*"/g, '') ?? '';
  const count = (delimiter: string) => first.split(delimiter).length;
  return [';', '\t'].reduce((most, other) => (count(other) > count(most) ? other : most), ',');
}

function columnOf(header: CsvRecord | undefined, name: string): number {
  return header?.values.findIndex((value) => value.toLowerCase() === name) ?? -1;
}

function wrongHeader(header: CsvRecord | undefined, file: string, required: readonly string[]): ConfigError {
  const wanted = `${file}:${header?.line ?? 1} must have the columns ${required.join(',')}`;
  if (header === undefined) return new ConfigError(`${wanted}, it is empty`);
  if (required.every((name) => columnOf(header, name) === -1)) {
    return new ConfigError(`${wanted}, this line has none of them`, {
      hint: `is the header missing? Put this line before it: ${required.join(',')}`,
    });
  }
  const names = header.values.filter(looksLikeName);
  const others = header.values.length - names.length;
  const more = others === 0 ? '' : ` and ${others} that ${others === 1 ? 'is' : 'are'} no name`;
  return new ConfigError(`${wanted}, it has ${names.join(',')}${more}`);
}

/** What is no name may be a token, or a person's. */
function looksLikeName(value: string): boolean {
  return /^[a-z][a-z_]{0,29}$/.test(value);
}

/** The message of csv-parse quotes what it stumbled over. */
function notCsv({ code }: { readonly code: string }, place: string): ConfigError {
  const isOpen = code === 'CSV_QUOTE_NOT_CLOSED';
  return new ConfigError(
    `${place} has a quote that ${isOpen ? 'is not closed' : 'does not enclose a whole value'}`,
    { hint: 'a value with quotes in it is written in quotes, and its own quotes twice: "a ""b"" c"' },
  );
}
