import { UsageError } from '../lifecycle/errors.ts';

const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Ids of `--sessions`: "ID,ID", or one a line in "@file"; "-" is stdin. Each once. */
export async function sessionIds(text: string, read: (source: string) => Promise<string>): Promise<string[]> {
  const source = text === '-' ? text : text.startsWith('@') ? text.slice(1) : undefined;
  const written = source === undefined ? text.split(',') : (await read(source)).split(/\r?\n/);
  const found = written
    .map((value, index) => ({ value: value.trim(), line: index + 1 }))
    .filter(({ value }) => value !== '' && !(source !== undefined && value.startsWith('#')));
  const wrong = found.find(({ value }) => !id.test(value));
  if (wrong !== undefined) {
    const where = source === undefined ? '--sessions' : `${source === '-' ? 'stdin' : source}:${wrong.line}`;
    throw new UsageError(`${where}: "${wrong.value}" is not the id of a session`, {
      hint: 'ids read like 0b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a; a file has one a line',
    });
  }
  if (found.length === 0) throw new UsageError('--sessions names no session');
  return [...new Set(found.map(({ value }) => value.toLowerCase()))];
}
