import { dirname } from 'node:path';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { withFileLock } from './file-lock.ts';
import { makeFolder, readText, writeFileAtomic } from './files.ts';

/** A text that a team shares by version control, so others may read it. */
const mode = 0o644;

/** The file of accepted findings. */
export class BaselineFile {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** Undefined when there is none yet. */
  read(): string | undefined {
    try {
      return readText(this.file);
    } catch (cause) {
      throw notUsable(this.file, 'read', cause);
    }
  }

  /** One at a time on this machine; readers see the old text or the new. */
  async update(change: (text: string | undefined) => string): Promise<void> {
    try {
      makeFolder(dirname(this.file));
      await withFileLock(`${this.file}.lock`, async () => {
        const before = this.read();
        const after = change(before);
        if (after !== before) writeFileAtomic(this.file, after, mode);
      });
    } catch (cause) {
      if (typeof (cause as { code?: unknown }).code !== 'string') throw cause;
      throw notUsable(this.file, 'written', cause);
    }
  }
}

function notUsable(file: string, what: 'read' | 'written', cause: unknown): ConfigError {
  return new ConfigError(`the baseline ${file} cannot be ${what}: ${messageOf(cause)}`, {
    hint: 'look at its permissions, or name another file in examctl.yaml: checks.baseline',
    cause,
  });
}
