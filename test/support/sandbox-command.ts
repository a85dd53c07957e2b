import type { SandboxContext } from '../../src/sandbox/make-sandbox.ts';
import { down, up } from '../../src/sandbox/sandbox.ts';
import { status } from '../../src/sandbox/status.ts';
import { program } from './sandbox.ts';

/** `node sandbox-command.ts up|status|down STATE_FOLDER CACHE_FOLDER`: for a test that needs another user's process. */
const [, , verb, stateFolder = '', cacheFolder = ''] = process.argv;
const context: SandboxContext = {
  stateFolder,
  cacheFolder,
  program,
  signal: new AbortController().signal,
  onProgress: (message) => process.stderr.write(`${message}\n`),
};
const verbs = {
  up: () => up(context, { students: 20 }),
  status: () => status(context),
  down: () => down(context),
};
process.stdout.write(JSON.stringify(await verbs[verb as keyof typeof verbs]()));
