import { join } from 'node:path';
import { openLoadHttp } from '../../src/adapters/http-load.ts';
import { findK6, runK6 } from '../../src/adapters/k6.ts';
import { runLoadWorker } from '../../src/adapters/load-workers.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import type { LoadPorts } from '../../src/load/ports.ts';

/** Load with the real engines; nothing is installed, and nothing is sent to Kubernetes. */
export const loadPorts: LoadPorts = {
  findK6: () => findK6(process.env),
  runK6: (run) => runK6(run, { scriptsFolder: join(packageRoot(), 'k6'), env: process.env }),
  openHttp: (options) => openLoadHttp({ ...options, env: process.env }),
  runWorker: (job) => runLoadWorker([process.execPath, join(packageRoot(), 'bin/examctl.js')], job),
  k6Scripts: () => Promise.reject(new Error('nothing is sent to Kubernetes')),
  installK6: () => Promise.reject(new Error('it is there')),
};
