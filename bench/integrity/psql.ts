import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { collect, exitCodeOf } from '../../src/sandbox/child.ts';
import { benchEnvironment } from '../measure.ts';

const debianFolder = '/usr/lib/postgresql';

/** The binary itself: Debian's psql on the PATH is a Perl script that looks for it, three times slower. */
export function findPsql(): string | undefined {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : [];
  const installed = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debianFolder, version, 'bin/psql'));
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'psql'));
  return [...installed, ...onPath].find((file) => existsSync(file));
}

/** Calls `onLine` for each line of output as it comes; nothing is kept. */
export async function runPsql(
  psql: string,
  {
    url,
    args,
    onLine,
  }: { readonly url: string; readonly args: readonly string[]; onLine(line: string): void },
): Promise<void> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const child = spawn(psql, ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...args], {
    env: {
      ...benchEnvironment(),
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: password,
      PGDATABASE: pathname.slice(1),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stderr = collect(child.stderr);
  const ended = exitCodeOf(child);
  let rest = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`psql ended with ${code}: ${stderr()}`);
}
