import { join } from 'node:path';
import { cacheFolder } from './adapters/state-folder.ts';
import { CompiledFiles } from './compiled-files.ts';

type Main = typeof import('./main.ts');

/** From the sources when there is no build, else with what V8 made of it the last time: compiling takes longer than most commands. */
export async function loadMain(): Promise<Main> {
  if (process.env.EXAMCTL_VERSION === undefined) return import('./main.ts');
  const root = import.meta.dirname;
  const versions = `${process.env.EXAMCTL_VERSION}-${process.version}-${process.arch}`;
  const installation = `${versions}${root.replaceAll(/[^\w.-]/g, '_')}`;
  const files = new CompiledFiles(join(cacheFolder(process.env), 'compiled', installation));
  // only at the end is known which functions were used
  process.once('exit', () => files.store());
  return files.load(join(root, 'main.cjs')) as Main;
}
