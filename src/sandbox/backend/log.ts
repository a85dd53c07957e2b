type Field =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Field[]
  | { readonly [key: string]: Field };
export type LogFields = Readonly<Record<string, Field>>;

/** One line of JSON on stdout, which the supervisor appends to the log file. */
export function log(fields: LogFields): void {
  process.stdout.write(`${pythonJson(fields)}\n`);
}

/** Like a Python traceback, it is plain text among the lines of JSON. */
export function logTraceback(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stdout.write(`Traceback (most recent call last):\n${text}\n`);
}

/** Greps on the platform's logs depend on the spacing of Python's json.dumps. Undefined fields are left out. */
function pythonJson(value: Field): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return pythonString(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${pythonString(key)}: ${pythonJson(field)}`).join(', ')}}`;
}

function isList(value: Field): value is readonly Field[] {
  return Array.isArray(value);
}

function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
