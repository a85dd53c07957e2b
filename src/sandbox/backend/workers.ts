import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { runUntilAskedToStop } from './lifetime.ts';
import { readPartArguments } from './part-arguments.ts';

const replaceAfterMs = 200;

/** All workers of the backend in one container, behind one port, as `uvicorn --workers` has them; ends with its process. */
export async function runBackendWorkers(args: string[]): Promise<void> {
  const { config, configFile } = readPartArguments(args);
  // each accepts for itself, as under uvicorn: what was handed to one that is killed just then would hang for ever
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const workers = new Workers(configFile);
  for (const index of config.ports.backend.keys()) workers.start(`backend-${index + 1}`);
  await runUntilAskedToStop(() => workers.stop());
}

class Workers {
  readonly #configFile: string;
  readonly #ended = new Map<Worker, Promise<void>>();
  #stopping = false;
  #everListened = false;

  constructor(configFile: string) {
    this.#configFile = configFile;
  }

  start(instance: string): void {
    cluster.setupPrimary({
      exec: process.argv[1] ?? '',
      args: ['internal', 'sandbox-backend', '--config', this.#configFile, '--instance', instance],
      // its end tells the workers that this process is gone, however it went
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    });
    const worker = cluster.fork();
    worker.once('listening', () => {
      this.#everListened = true;
    });
    this.#ended.set(worker, this.#replaceAtEnd(worker, instance));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const living = [...this.#ended];
    for (const [worker] of living) worker.process.kill('SIGTERM');
    await Promise.all(living.map(([, ended]) => ended));
  }

  async #replaceAtEnd(worker: Worker, instance: string): Promise<void> {
    const [code, signal] = await exitOf(worker);
    this.#ended.delete(worker);
    if (this.#stopping) return;
    process.stderr.write(`Child process [${worker.process.pid}] died: ${signal ?? `exit code ${code}`}\n`);
    // what cannot start at all is for whoever started it to see
    if (!this.#everListened && signal === null) process.exit(code ?? 1);
    await sleep(replaceAfterMs);
    if (!this.#stopping) this.start(instance);
  }
}

function exitOf(worker: Worker): Promise<[code: number | null, signal: string | null]> {
  return new Promise((resolve) => worker.once('exit', (code, signal) => resolve([code, signal])));
}
