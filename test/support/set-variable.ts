import { dirname, join } from 'node:path';
import { helperProcesses } from '../../src/adapters/helper-processes.ts';
import { openCompose } from '../../src/drivers/compose/open.ts';

/** Sets a variable of the backend that compose runs, after a line that says so. Arguments: compose file, project, name, value. */
const [, , file = '', project = '', name = '', value = ''] = process.argv;

const driver = openCompose({
  file,
  project,
  services: {},
  examMode: [{ kind: 'env-file', file: join(dirname(file), '.env'), variable: name, service: 'backend' }],
  env: process.env,
  helpers: helperProcesses({ program: [], flags: [], scope: 'test' }),
  jobKeys: [],
});
process.stdout.write('begun\n');
await driver.setVariable('backend', name, value, AbortSignal.timeout(60_000));
