import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** Milliseconds after which what was compiled for an examctl or Node.js of before is thrown away. */
const keptFor = 30 * 86_400_000;

interface CommonJs {
  require(id: string): unknown;
  readonly exports: unknown;
}

/** What Module.prototype has, and its types leave out. */
interface Compiler {
  _compile(this: CommonJs, source: string, filename: string): unknown;
}

/**
 * Keeps what V8 made of the files in `root` (ours, so that nothing foreign is stored), as compiling them takes longer
 * than most commands. From Node.js 22.8 on it could do so by itself, but it keeps only what was compiled on loading.
 * Without a folder to keep it in everything works as before, only slower.
 */
export function keepCompiled(root: string, folder: string): void {
  const prototype = Module.prototype as unknown as Compiler;
  const compileAsUsual = prototype._compile;
  const compiled = new Map<string, Script>();
  prototype._compile = function (source, filename) {
    if (dirname(filename) !== root && dirname(dirname(filename)) !== root)
      return compileAsUsual.call(this, source, filename);
    const file = join(folder, nameFor(filename));
    const cachedData = ownFile(file);
    const script = new Script(Module.wrap(source), { filename, ...(cachedData && { cachedData }) });
    if (cachedData === undefined || script.cachedDataRejected === true) compiled.set(file, script);
    const load = script.runInThisContext() as (...args: unknown[]) => unknown;
    const require = Object.assign((id: string) => this.require(id), { resolve: Module.createRequire(filename).resolve });
    return load.call(this.exports, this.exports, require, this, filename, dirname(filename));
  };
  // only now is known which functions are used
  process.once('exit', () => store(compiled, folder));
}
