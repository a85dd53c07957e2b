import { rmSync } from 'node:fs';
import { readText, writeFileAtomic } from './files.ts';

/**
 * Writes the new text, and keeps the old one beside it. Undone, so that the file is again what is kept, nothing stays
 * behind. Does nothing when the texts are equal.
 */
export function replaceFile(file: string, before: string, after: string): void {
  if (after === before) return;
  const backup = backupOf(file);
  const kept = readText(backup);
  if (kept !== after) writeFileAtomic(backup, before);
  writeFileAtomic(file, after);
  if (kept === after) rmSync(backup, { force: true });
}

export function backupOf(file: string): string {
  return `${file}.before-examctl`;
}
