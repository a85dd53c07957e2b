import { join } from 'node:path';
import { CompiledFiles } from '../../src/compiled-files.ts';

/** As bin/examctl.js starts the command: with what V8 compiled the first time that it came to its own end. */
const folder = import.meta.dirname;
const files = new CompiledFiles(join(folder, 'compiled'));
process.once('exit', () => files.store());
files.load(join(folder, 'fault-run.cjs'));
