import type { ChildProcess } from 'node:child_process';
import { identify, type ProcessIdentity } from '../adapters/processes.ts';
import type { Service, ServiceInstance } from '../lifecycle/environment.ts';
import { messageOf } from '../lifecycle/errors.ts';
import { haltTree, letGoOn } from './halted-processes.ts';

export interface PartDefinition {
  /** instance id: "backend-1" */
  readonly id: string;
  readonly service: Service;
  readonly address?: string;
  spawn(): ChildProcess;
  /** rejects with the reason when the part does not answer */
  probe(milliseconds: number): Promise<void>;
  /** how it is asked to end; SIGKILL is the last resort of each */
  readonly stopSignals: readonly NodeJS.Signals[];
  lastLogLines(): readonly string[];
}

export interface Restart {
  /** ISO 8601 */
  readonly at: string;
  /** "exit code 1", "SIGKILL" */
  readonly cause: string;
}

export interface PartStatus {
  readonly id: string;
  readonly service: Service;
  readonly state: ServiceInstance['state'];
  readonly detail?: string;
  readonly pid?: number;
  /** ISO 8601 */
  readonly since?: string;
  readonly address?: string;
  readonly restarts: number;
  readonly lastRestarts: readonly Restart[];
  /** ends in a row, without 10 s of life between them */
  readonly failures: number;
}

export interface Patience {
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** ends in a row after which it is not started again */
  readonly failures: number;
  /** milliseconds that a process is given to end, for each signal */
  readonly stop: number;
}

const defaultPatience: Patience = { firstDelay: 200, longestDelay: 5_000, failures: 20, stop: 5_000 };
const steadyAfter = 10_000;
const rememberedRestarts = 20;
const startingTime = 15_000;
const probeTime = 2_000;

/** Keeps one process running until it is stopped on purpose. */
export class SupervisedProcess {
  readonly definition: PartDefinition;
  readonly #patience: Patience;
  readonly #onChange: (event: string) => void;
  readonly #restarts: Restart[] = [];
  #restartCount = 0;
  #wanted = false;
  #everWanted = false;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #identity: ProcessIdentity | undefined;
  #since = 0;
  #answered = false;
  #failures = 0;
  #lastCause = '';
  #timer: NodeJS.Timeout | undefined;
  /** by pause(): the process and those that it started */
  #halted: readonly ProcessIdentity[] = [];

  constructor(
    definition: PartDefinition,
    onChange: (event: string) => void,
    patience: Partial<Patience> = {},
  ) {
    this.definition = definition;
    this.#onChange = onChange;
    this.#patience = { ...defaultPatience, ...patience };
  }

  get identity(): ProcessIdentity | undefined {
    return this.#identity;
  }

  /** Neither started nor stopped yet. */
  get isNew(): boolean {
    return !this.#everWanted;
  }

  /** Does nothing when it runs; lets it go on when it is paused. */
  start(): void {
    this.#letGoOn();
    this.#wanted = true;
    this.#everWanted = true;
    if (this.#child !== undefined) return;
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#launch();
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#everWanted = true;
    clearTimeout(this.#timer);
    this.#letGoOn();
    const child = this.#child;
    for (const signal of [...this.definition.stopSignals, 'SIGKILL'] as const) {
      if (this.#child !== child || child === undefined) break;
      child.kill(signal);
      await this.#endedWithin(this.#patience.stop);
    }
    this.#onChange(`${this.definition.id} is stopped on purpose`);
  }

  /** Resolves when the process is gone; it will be started again like after any crash. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Its processes stay, and none of them runs, until it is started or stopped. */
  pause(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.definition.id} does not run`);
    if (this.#halted.length > 0) return;
    this.#halted = haltTree(pid);
    this.#onChange(`${this.definition.id} is paused`);
  }

  async status(): Promise<PartStatus> {
    const { id, service, address } = this.definition;
    const { state, detail } = await this.#state();
    return {
      id,
      service,
      state,
      ...(detail !== undefined && { detail }),
      ...(this.#identity !== undefined && {
        pid: this.#identity.pid,
        since: new Date(this.#since).toISOString(),
      }),
      ...(address !== undefined && { address }),
      restarts: this.#restartCount,
      lastRestarts: [...this.#restarts],
      failures: this.#failures,
    };
  }

  async #state(): Promise<Pick<PartStatus, 'state' | 'detail'>> {
    if (!this.#everWanted) return { state: 'starting', detail: 'waits for the database and the cache' };
    if (!this.#wanted) return { state: 'stopped', detail: 'stopped on purpose' };
    if (this.#gaveUp) return { state: 'stopped', detail: this.#givingUpReason() };
    const child = this.#child;
    if (child === undefined) return { state: 'starting', detail: `starts again after ${this.#lastCause}` };
    if (this.#halted.length > 0) return { state: 'unhealthy', detail: 'paused' };
    try {
      await this.definition.probe(probeTime);
      if (this.#child === child) this.#answered = true;
      return { state: 'running' };
    } catch (error) {
      if (this.#child !== child)
        return { state: 'starting', detail: `starts again after ${this.#lastCause}` };
      const isNew = !this.#answered && Date.now() - this.#since < startingTime;
      return { state: isNew ? 'starting' : 'unhealthy', detail: messageOf(error) };
    }
  }

  get #gaveUp(): boolean {
    return this.#failures >= this.#patience.failures;
  }

  #givingUpReason(): string {
    const lines = this.definition.lastLogLines().join('\n');
    return `ended ${this.#failures} times in a row, the last time with ${this.#lastCause}; its log ends:\n${lines}`;
  }

  #launch(): void {
    this.#answered = false;
    this.#since = Date.now();
    const child = this.definition.spawn();
    this.#child = child;
    this.#identity = child.pid === undefined ? undefined : identify(child.pid);
    this.#ended = new Promise((resolve) => {
      const end = (cause: string) => {
        if (this.#child !== child) return;
        this.#onEnd(cause);
        resolve();
      };
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
      child.once('error', (error) => {
        if (child.pid === undefined) end(error.message);
      });
    });
    this.#onChange(`${this.definition.id} was started as process ${child.pid}`);
  }

  #letGoOn(): void {
    if (this.#halted.length === 0) return;
    letGoOn(this.#halted);
    this.#halted = [];
    this.#onChange(`${this.definition.id} goes on`);
  }

  #onEnd(cause: string): void {
    // what it has started may live on without it
    this.#letGoOn();
    this.#child = undefined;
    this.#identity = undefined;
    if (this.#wanted) this.#startAgain(cause);
    this.#onChange(`${this.definition.id} ended with ${cause}`);
  }

  #startAgain(cause: string): void {
    this.#lastCause = cause;
    if (Date.now() - this.#since >= steadyAfter) this.#failures = 0;
    this.#failures += 1;
    if (this.#gaveUp) return;
    this.#restartCount += 1;
    this.#restarts.push({ at: new Date().toISOString(), cause });
    if (this.#restarts.length > rememberedRestarts) this.#restarts.shift();
    const { firstDelay, longestDelay } = this.#patience;
    const delay = Math.min(longestDelay, firstDelay * 2 ** (this.#failures - 1));
    this.#timer = setTimeout(() => this.#launch(), delay);
  }

  async #endedWithin(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([this.#ended, late]);
    clearTimeout(timer);
  }
}
