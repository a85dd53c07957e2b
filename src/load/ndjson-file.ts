import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';

/** Writes at once, so that a line is in the file even when examctl is killed right after. */
export class NdjsonFile {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, mode: 'replace' | 'append' = 'replace') {
    this.path = path;
    this.#descriptor = guard(path, () => openSync(path, mode === 'append' ? 'a' : 'w', 0o600));
  }

  write(line: object): void {
    guard(this.path, () => writeSync(this.#descriptor, `${JSON.stringify(line)}\n`));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function guard<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new Undetermined(`cannot write ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'make room or choose another folder with --state',
    });
  }
}
