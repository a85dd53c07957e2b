import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readJson, writeJson } from '../adapters/files.ts';
import { identify, type ProcessIdentity } from '../adapters/processes.ts';
import { messageOf } from '../lifecycle/errors.ts';
import { readSandboxConfig } from './config.ts';
import { type ControlRoutes, serveControl, UnknownName } from './control-server.ts';
import { sandboxFiles } from './folder.ts';
import { sandboxParts } from './parts.ts';
import { SupervisedProcess } from './supervised-process.ts';
import type { SupervisorPlan, SupervisorState, SupervisorStatus } from './supervisor-plan.ts';

/** `examctl internal sandbox-supervisor --folder DIR`: runs the sandbox until it is told to shut down. */
export async function runSupervisor(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { folder: { type: 'string' } } });
  if (values.folder === undefined) throw new Error('--folder is missing');
  const files = sandboxFiles(values.folder);
  const plan = readJson<SupervisorPlan>(files.plan);
  const self = identify(process.pid);
  if (plan === undefined || self === undefined) throw new Error(`${files.plan} cannot be read`);

  const definitions = sandboxParts(files, readSandboxConfig(files.config), plan);
  const supervisor = new Supervisor(self, plan.socket, files.state, (change) =>
    definitions.map((definition) => new SupervisedProcess(definition, change)),
  );
  const shutDown = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  }).then(() => supervisor.shutdown());
  // what cannot be logged, as the disk is full, is lost; it must not end the supervisor
  process.stdout.on('error', () => undefined);
  const server = await serveControl(plan.socket, routesOf(supervisor));
  supervisor.recordState();
  void supervisor.startAll();
  await shutDown;
  await new Promise((resolve) => server.close(resolve));
  rmSync(dirname(plan.socket), { recursive: true, force: true });
  rmSync(files.state, { force: true });
}

function routesOf(supervisor: Supervisor): ControlRoutes {
  return {
    'GET /status': () => supervisor.status(),
    'POST /services/:name/start': (name = '') => supervisor.change(name, { start: true }),
    'POST /services/:name/stop': (name = '') => supervisor.change(name, { stop: true }),
    'POST /services/:name/restart': (name = '') => supervisor.change(name, { stop: true, start: true }),
    'POST /services/:name/pause': (name = '') => supervisor.pause(name),
    'POST /instances/:id/restart': (id = '') => supervisor.restartInstance(id),
    'POST /instances/:id/kill': (id = '') => supervisor.kill(id),
  };
}

class Supervisor {
  readonly #self: ProcessIdentity;
  readonly #socket: string;
  readonly #stateFile: string;
  readonly #startedAt = new Date().toISOString();
  readonly #parts: readonly SupervisedProcess[];
  /** the last change of each service; the next one waits for it */
  readonly #changes = new Map<string, Promise<unknown>>();
  #isShuttingDown = false;

  constructor(
    self: ProcessIdentity,
    socket: string,
    stateFile: string,
    makeParts: (onChange: (event: string) => void) => SupervisedProcess[],
  ) {
    this.#self = self;
    this.#socket = socket;
    this.#stateFile = stateFile;
    this.#parts = makeParts((event) => {
      log(event);
      this.#tryToRecordState();
    });
  }

  recordState(): void {
    const parts = this.#parts.flatMap(({ definition: { id, service }, identity }) =>
      identity === undefined ? [] : [{ ...identity, id, service }],
    );
    const state: SupervisorState = {
      supervisor: this.#self,
      startedAt: this.#startedAt,
      socket: this.#socket,
      parts,
    };
    writeJson(this.#stateFile, state);
  }

  /** A full disk is no reason to let go of the processes. */
  #tryToRecordState(): void {
    try {
      this.recordState();
    } catch (error) {
      log(`${this.#stateFile} could not be written: ${messageOf(error)}`);
    }
  }

  async status(): Promise<SupervisorStatus> {
    const parts = await Promise.all(this.#parts.map((part) => part.status()));
    return { pid: process.pid, startedAt: this.#startedAt, parts };
  }

  /** The backend and the jobs come last, as they refuse to start without a database and a cache. */
  async startAll(): Promise<void> {
    for (const service of ['database', 'cache', 'edge']) await this.change(service, { start: true });
    const servers = [...this.#of('database'), ...this.#of('cache')];
    while (!this.#isShuttingDown) {
      const states = await Promise.all(servers.map((part) => part.status()));
      if (states.every(({ state }) => state === 'running')) break;
      await sleep(20);
    }
    const waiting = this.#parts.filter((part) => part.isNew);
    if (!this.#isShuttingDown) for (const part of waiting) part.start();
  }

  /** All instances of the service at once, as the platform's one backend container does it. */
  change(service: string, { stop = false, start = false }): Promise<void> {
    return this.#inTurn(service, async (parts) => {
      if (stop) await Promise.all(parts.map((part) => part.stop()));
      if (!start || this.#isShuttingDown) return;
      for (const part of parts) part.start();
    });
  }

  pause(service: string): Promise<void> {
    return this.#inTurn(service, async (parts) => {
      const ended = parts.filter(({ identity }) => identity === undefined);
      if (ended.length > 0)
        throw new Error(`${ended.map(({ definition }) => definition.id).join(', ')} does not run`);
      if (this.#isShuttingDown) return;
      for (const part of parts) part.pause();
    });
  }

  restartInstance(id: string): Promise<void> {
    const part = this.#part(id);
    return this.#inTurn(part.definition.service, async () => {
      await part.stop();
      if (!this.#isShuttingDown) part.start();
    });
  }

  async kill(id: string): Promise<void> {
    await this.#part(id).kill();
  }

  /** In the order of who uses whom; the data stay. */
  async shutdown(): Promise<void> {
    this.#isShuttingDown = true;
    log('shutting down');
    const clients = this.#parts.filter(({ definition }) => !isServer(definition.service));
    const servers = this.#parts.filter(({ definition }) => isServer(definition.service));
    await Promise.all(clients.map((part) => part.stop()));
    await Promise.all(servers.map((part) => part.stop()));
  }

  #inTurn(service: string, work: (parts: SupervisedProcess[]) => Promise<void>): Promise<void> {
    const parts = this.#of(service);
    const before = this.#changes.get(service) ?? Promise.resolve();
    const change = before.then(() => work(parts));
    this.#changes.set(
      service,
      change.catch(() => undefined),
    );
    return change;
  }

  #part(id: string): SupervisedProcess {
    const part = this.#parts.find(({ definition }) => definition.id === id);
    if (part === undefined) throw new UnknownName(`the sandbox has no instance "${id}"`);
    return part;
  }

  #of(service: string): SupervisedProcess[] {
    const parts = this.#parts.filter(({ definition }) => definition.service === service);
    if (parts.length === 0) throw new UnknownName(`the sandbox has no service "${service}"`);
    return parts;
  }
}

function isServer(service: string): boolean {
  return service === 'database' || service === 'cache';
}

function log(event: string): void {
  process.stdout.write(`${JSON.stringify({ timestamp: new Date().toISOString(), event })}\n`);
}
