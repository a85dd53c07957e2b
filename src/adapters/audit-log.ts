import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditContent, type AuditEntry, chain, linkOf, type Redaction } from '../lifecycle/audit.ts';
import { redactAction, redactedEntry, redactionDetails } from '../lifecycle/audit-redaction.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { redacted } from '../lifecycle/redact.ts';
import { accountInUse } from './account.ts';
import { appendLine, replaceOnDisk } from './append-file.ts';
import { withFileLock } from './file-lock.ts';
import { makeFolder, readText, writeFileAtomic } from './files.ts';
import { hasShape } from './has-shape.ts';

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
    return this.#alone(() => this.#append(content));
  }

  /** The record of it first: a crash in between leaves the entry as it was, and it can be redacted again. */
  async redact(
    sequence: number,
    { reason, ...by }: Redaction,
  ): Promise<{ entry: AuditEntry; record: AuditEntry }> {
    return this.#alone(async () => {
      const found = this.read().find((entry) => entry.sequence === sequence);
      if (found === undefined) {
        throw new UsageError(`there is no entry ${sequence} in ${this.file}`, { hint: 'examctl audit log' });
      }
      const entry = redactedEntry(found);
      const { environment, run } = found;
      const record = await this.#append({
        ...by,
        ...{ environment, run, reason, action: redactAction, result: 'done', breakGlass: false },
        details: redactionDetails(found),
      });
      const lines = this.#lines().map((line) =>
        line.entry?.hash === entry.hash ? JSON.stringify(entry) : line.text,
      );
      await replaceOnDisk(this.file, `${lines.join('\n')}\n`);
      return { entry, record };
    });
  }

  #alone<T>(action: () => Promise<T>): Promise<T> {
    return withFileLock(join(this.#folder, 'audit.lock'), action);
  }

  async #append(content: AuditContent): Promise<AuditEntry> {
    const entry = chain(
      { ...withoutSecrets(content), account: accountInUse() },
      linkOf(await this.#last(), this.head()),
    );
    await appendLine(this.file, JSON.stringify(entry));
    writeFileAtomic(this.#headFile, entry.hash);
    return entry;
  }

  /** what can be read */
  read(): AuditEntry[] {
    return this.#lines().flatMap(({ entry }) => entry ?? []);
  }

  /** numbers of lines that are no entries: cut off by a crash, or written by something else */
  broken(): number[] {
    return this.#lines().flatMap(({ number, entry }) => (entry === undefined ? [number] : []));
  }

  /** hash of the last entry, noted beside the log so that a log cut at its end is noticed */
  head(): string | undefined {
    return readText(this.#headFile);
  }

  #lines(): { number: number; text: string; entry: AuditEntry | undefined }[] {
    return (readText(this.file) ?? '')
      .split('\n')
      .flatMap((text, index) => (text === '' ? [] : [{ number: index + 1, text, entry: parseOrSkip(text) }]));
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

/** What is once in the chain stays in it. */
function withoutSecrets(content: AuditContent): AuditContent {
  const { result, reason } = content;
  return { ...content, result: redacted(result), reason: reason === null ? null : redacted(reason) };
}

const entrySample = { sequence: 0, hash: '', previousHash: '', at: '', action: '', result: '', details: {} };

/** A line that a crash has cut off was never chained to. */
function parseOrSkip(line: string): AuditEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return hasShape(entry, entrySample) ? (entry as AuditEntry) : undefined;
  } catch {
    return undefined;
  }
}
