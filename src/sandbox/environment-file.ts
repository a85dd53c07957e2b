import { readText, writeFileAtomic } from '../adapters/files.ts';

/** NAME=VALUE lines, the form of Docker's env files: no quotes, no interpolation. */
export function readEnvironmentFile(file: string): Record<string, string> {
  const lines = (readText(file) ?? '')
    .split('\n')
    .filter((line) => line.includes('=') && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)]),
  );
}

export function writeEnvironmentFile(file: string, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writeFileAtomic(file, lines.join(''));
}
