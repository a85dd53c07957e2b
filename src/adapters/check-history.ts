import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, namesIn, readText, writeFileAtomic } from './files.ts';

/** Results of check runs: `integrity/<environment>/<id>.json` in the state folder, the newest of each environment. */
export class CheckHistory {
  readonly #folder: string;
  readonly #kept: number;

  constructor(stateFolder: string, { kept = 200 }: { kept?: number } = {}) {
    this.#folder = join(stateFolder, 'integrity');
    this.#kept = kept;
  }

  folder(environment: string): string {
    return join(this.#folder, environment);
  }

  /** gives the id under which it is kept; what is older than the newest is removed */
  save(environment: string, startedAt: Date, text: string): string {
    const id = `${startedAt.toISOString().replace(/[-:.]/g, '')}-${randomBytes(2).toString('hex')}`;
    makeFolder(this.folder(environment));
    writeFileAtomic(this.#file(environment, id), text);
    for (const old of this.ids(environment).slice(this.#kept)) {
      rmSync(this.#file(environment, old), { force: true });
    }
    return id;
  }

  /** the latest first */
  ids(environment: string): string[] {
    return namesIn(this.folder(environment))
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
      .reverse();
  }

  /** Undefined when it is not kept any more. */
  read(environment: string, id: string): string | undefined {
    return readText(this.#file(environment, id));
  }

  /** a result that somebody keeps elsewhere */
  readFile(file: string): string | undefined {
    return readText(file);
  }

  #file(environment: string, id: string): string {
    return join(this.folder(environment), `${id}.json`);
  }
}
