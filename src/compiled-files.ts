import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { makeFolder } from './adapters/files.ts';

type Module = { exports: unknown };
type Wrapped = (
  exports: unknown,
  require: (id: string) => unknown,
  module: Module,
  ...path: string[]
) => void;

/** Milliseconds; what was compiled for an older examctl or Node.js is thrown away after it. */
const keptFor = 30 * 86_400_000;

/** Loads CommonJS files, and the ones next to them that they require. Without a writable folder it is only slower. */
export class CompiledFiles {
  readonly #folder: string;
  readonly #modules = new Map<string, Module>();
  readonly #fresh = new Map<string, Script>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  load(filename: string): unknown {
    const known = this.#modules.get(filename);
    if (known !== undefined) return known.exports;
    const module: Module = { exports: {} };
    this.#modules.set(filename, module);
    const folder = dirname(filename);
    const foreign = createRequire(filename);
    const require = (id: string) => (id.startsWith('./') ? this.load(join(folder, id)) : foreign(id));
    const run = this.#compile(filename).runInThisContext() as Wrapped;
    run.call(module.exports, module.exports, Object.assign(require, foreign), module, filename, folder);
    return module.exports;
  }

  #compile(filename: string): Script {
    const cached = join(this.#folder, this.#nameFor(filename));
    const cachedData = readOwn(cached);
    // the bundles are ASCII
    const source = readFileSync(filename, 'latin1');
    const script = new Script(
      `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
      cachedData === undefined ? { filename } : { filename, cachedData },
    );
    if (cachedData === undefined || script.cachedDataRejected === true) this.#fresh.set(cached, script);
    return script;
  }

  /** V8 compares no more than the length of the source, so the name tells which very file it was. */
  #nameFor(filename: string): string {
    const { size, ctimeMs, ino } = statSync(filename);
    return [basename(filename), size, Math.round(ctimeMs), ino].join('-');
  }

  store(): void {
    if (this.#fresh.size === 0) return;
    try {
      makeFolder(this.#folder);
      for (const [file, script] of this.#fresh) this.#replace(file, script.createCachedData());
      const all = dirname(this.#folder);
      for (const folder of readdirSync(all).map((name) => join(all, name))) {
        if (Date.now() - statSync(folder).mtimeMs > keptFor) rmSync(folder, { recursive: true });
      }
    } catch {
      // a full or read-only disk costs speed, and no command its result
    }
  }

  #replace(file: string, compiled: Buffer): void {
    const [name] = basename(file).split('-');
    const outdated = readdirSync(this.#folder).filter((entry) => entry.startsWith(`${name}-`));
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, compiled, { mode: 0o600 });
    renameSync(unfinished, file);
    for (const entry of outdated) {
      if (entry !== basename(file)) rmSync(join(this.#folder, entry), { force: true });
    }
  }
}

/** What another user could have written is not run. */
function readOwn(file: string): Buffer | undefined {
  try {
    const { uid, mode } = statSync(file);
    if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) return undefined;
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
