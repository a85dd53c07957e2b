import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditContent, type AuditEntry, chain } from '../lifecycle/audit.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import { appendLine } from './append-file.ts';
import { withFileLock } from './file-lock.ts';
import { makeFolder, writeFileAtomic } from './files.ts';

/** The append-only, hash-chained record of who did what: `audit.ndjson` in the state folder. */
export class AuditLog {
  readonly file: string;
  readonly #folder: string;
  readonly #headFile: string;

  constructor(stateFolder: string) {
    this.#folder = stateFolder;
    this.file = join(stateFolder, 'audit.ndjson');
    this.#headFile = join(stateFolder, 'audit.head');
  }

  async append(content: AuditContent): Promise<AuditEntry> {
    makeFolder(this.#folder);
    return withFileLock(join(this.#folder, 'audit.lock'), async () => {
      const entry = chain(content, await this.#last());
      await appendLine(this.file, JSON.stringify(entry));
      writeFileAtomic(this.#headFile, entry.hash);
      return entry;
    });
  }

  read(): AuditEntry[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (line === '' ? [] : [this.#parse(line, index + 1)]));
  }

  /** hash of the last entry, noted beside the log so that a log cut at its end is noticed */
  head(): string | undefined {
    return existsSync(this.#headFile) ? readFileSync(this.#headFile, 'utf8') : undefined;
  }

  #parse(line: string, number: number): AuditEntry {
    try {
      return JSON.parse(line) as AuditEntry;
    } catch (cause) {
      throw new Undetermined(`${this.file}:${number} is not an audit entry`, {
        hint: 'keep the file as it is, copy it aside and find out who or what wrote to it',
        cause,
      });
    }
  }

  /** Only the end of the file is read, however long the log has grown. */
  async #last(): Promise<AuditEntry | undefined> {
    if (!existsSync(this.file)) return undefined;
    const handle = await open(this.file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, 256 * 1024);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      const lines = buffer
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '');
      return lines
        .toReversed()
        .map(parseOrSkip)
        .find((entry) => entry !== undefined);
    } finally {
      await handle.close();
    }
  }
}

/** A line that a crash has cut off was never chained to. */
function parseOrSkip(line: string): AuditEntry | undefined {
  try {
    return JSON.parse(line) as AuditEntry;
  } catch {
    return undefined;
  }
}
