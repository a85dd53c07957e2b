import type { Actuator } from './actuator.ts';
import type { AuditReference } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Fingerprint } from './environment.ts';
import { ExamctlError, messageOf, OperationFailed, Refused } from './errors.ts';
import type { Listener } from './events.ts';
import { type Journal, type PlanAtWork, plansAtWork, type RunResult } from './journal.ts';
import type { Verdict } from './outcome.ts';
import type { Change, Plan } from './plan.ts';
import { type RememberingJournal, remembering } from './remembering-journal.ts';
import { type LeftOver, undoPlans } from './revert.ts';
import type { HeldLock, LockHolder, RunLocks } from './run-lock.ts';

export interface RunIdentity {
  readonly id: string;
  readonly operation: string;
  readonly environment: string;
  readonly actor: string;
  readonly host: string;
  readonly pid: number;
  readonly reason: string | null;
  /** of the environment, as it was when the run began; absent: an earlier version did not ask */
  readonly target?: Fingerprint;
  /** the audit log's entry of its beginning */
  readonly audit?: AuditReference;
}

/** A detached process that reverts when the run's own process is gone or late. */
export interface Guardian {
  readonly pid: number;
  /** aborted when the guardian's process has ended, the reason saying by what: "SIGKILL", "exit code 1" */
  readonly lost: AbortSignal;
  /** after the end of the run is in the journal: resolves when the guardian has seen it and is gone */
  farewell(): Promise<void>;
}

/** The folder of a run, and the mark by which other commands notice it while it is open. */
export interface RunFolder {
  readonly path: string;
  readonly journal: Journal;
  /** takes the mark away: nothing of the run is left to be noticed */
  close(): Promise<void>;
}

export interface RunPorts {
  readonly locks: RunLocks;
  /** what was allowed: nothing else is performed; absent where a run only reverts */
  readonly authorized?: Plan;
  /** with the first line in its journal: run.started */
  readonly openRunFolder: (identity: RunIdentity) => Promise<RunFolder>;
  readonly startGuardian: (identity: RunIdentity) => Promise<Guardian>;
  readonly actuator: Actuator;
  readonly clock: Clock;
  /** throws Refused when what the plan rests on has changed since it was made */
  readonly refuseStale?: (plan: Plan) => Promise<void>;
  readonly emit: Listener;
  /** aborted by Ctrl-C, SIGTERM or a time limit */
  readonly signal: AbortSignal;
  /** milliseconds that a revert may take */
  readonly revertWithin?: number;
}

/** A run at work: changes are made through it, so that each has its way back on disk before it is made. */
export interface Run {
  readonly id: string;
  readonly folder: string;
  /** aborted by the user, by the loss of the guardian, or by the loss of the run lock */
  readonly signal: AbortSignal;
  /** makes the plan's changes and proves them; throws when one fails, and then all of this plan are reverted */
  perform(plan: Plan): Promise<readonly number[]>;
  /** undoes them, the latest first, and proves it; throws OperationFailed when something is left */
  revert(changes: readonly number[]): Promise<void>;
  /** looks again whether what was made is there: why not, in words; null: it is */
  lookAgain(changes: readonly number[], signal: AbortSignal): Promise<string | null>;
  /** they are meant to stay */
  keep(changes: readonly number[]): Promise<void>;
  /** notes a file of the run's folder as evidence */
  evidence(file: string, title: string): Promise<void>;
  /** notes what a rehearsal came to */
  conclude(verdict: Verdict): Promise<void>;
}

/**
 * The life of a run: lock, journal, guardian, then whatever `use` does; in the end, however it ends, every change
 * that was not kept is reverted, in reverse order, and the run is closed.
 */
export async function withRun<T>(
  identity: RunIdentity,
  ports: RunPorts,
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const lock = await ports.locks.acquire(lockHolderOf(identity));
  ports.emit({ type: 'lock.taken', where: lock.where, ...(lock.why === undefined ? {} : { why: lock.why }) });
  let folder: RunFolder;
  try {
    folder = await ports.openRunFolder(identity);
  } catch (error) {
    await lock.release();
    throw error;
  }
  const work = new RunAtWork(identity, ports, folder, lock);
  const ending = await settle(async () => {
    await work.begin();
    return use(work);
  });
  const left = await work.revertWhatIsOpen();
  const result = resultOf(ending, left, ports.signal);
  const message = ending.ok ? 'done' : messageOf(ending.error);
  await work.finish(result, message, left);
  if (left.length > 0) throw notReverted(identity, left, ending.ok ? undefined : ending.error);
  if (ending.ok) return ending.value;
  throw ports.signal.aborted ? interruption(ports.signal, ending.error) : ending.error;
}

type Ending<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

async function settle<T>(action: () => Promise<T>): Promise<Ending<T>> {
  try {
    return { ok: true, value: await action() };
  } catch (error) {
    return { ok: false, error };
  }
}

function resultOf(ending: Ending<unknown>, left: readonly LeftOver[], signal: AbortSignal): RunResult {
  if (left.length > 0) return 'failed-not-reverted';
  if (ending.ok) return 'done';
  return signal.aborted ? 'interrupted' : 'failed-reverted';
}

function interruption(signal: AbortSignal, error: unknown): unknown {
  return signal.reason instanceof ExamctlError ? signal.reason : error;
}

function notReverted(identity: RunIdentity, left: readonly LeftOver[], cause: unknown): OperationFailed {
  const what = left.map(({ target, message }) => `${target} (${message})`).join('; ');
  return new OperationFailed(`${identity.operation} left something behind: ${what}`, {
    reverted: false,
    hint: `a person must act now; to try the revert again: examctl recover ${identity.id}`,
    cause,
  });
}

export function lockHolderOf({ id, actor, host, pid, operation, reason }: RunIdentity): LockHolder {
  return { run: id, actor, host, pid, operation, reason };
}

class RunAtWork implements Run {
  readonly id: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly #identity: RunIdentity;
  readonly #ports: RunPorts;
  readonly #journal: RememberingJournal;
  readonly #runFolder: RunFolder;
  readonly #lock: HeldLock;
  readonly #broken = new AbortController();
  #guardian: Guardian | undefined;
  #changes = 0;
  /** a revert took all of its time in vain: what is tried once more must not keep a person waiting as long */
  #gaveUp = false;

  constructor(identity: RunIdentity, ports: RunPorts, folder: RunFolder, lock: HeldLock) {
    this.id = identity.id;
    this.folder = folder.path;
    this.signal = AbortSignal.any([ports.signal, this.#broken.signal]);
    this.#identity = identity;
    this.#ports = ports;
    this.#journal = remembering(folder.journal, ports.clock);
    this.#runFolder = folder;
    this.#lock = lock;
  }

  async begin(): Promise<void> {
    const { id, operation } = this.#identity;
    const { where, epoch } = this.#lock;
    await this.#journal.append({ type: 'lock.taken', where, epoch });
    this.#ports.emit({ type: 'run.started', run: id, operation, folder: this.folder });
  }

  async perform(plan: Plan): Promise<readonly number[]> {
    this.signal.throwIfAborted();
    this.#requireAuthorized(plan);
    await this.#ports.refuseStale?.(plan);
    await this.#journal.append({ type: 'plan.made', plan });
    this.#ports.emit({ type: 'plan.made', plan });
    await this.#ensureGuardian(plan);
    const first = this.#changes + 1;
    const made: number[] = [];
    try {
      for (const change of plan.changes) made.push(await this.#make(change, plan));
      return made;
    } catch (error) {
      await this.#revertAfterFailure(plan, first, error);
      throw this.#reverted(plan, error);
    }
  }

  /** Whoever allowed the run has seen what it may do. */
  #requireAuthorized({ operation, digest }: Plan): void {
    const { authorized } = this.#ports;
    if (authorized === undefined || authorized.digest === digest) return;
    if (authorized.parts?.some((part) => part.operation === operation)) return;
    throw new Error(`${operation} is no part of what was authorized: ${authorized.operation}`);
  }

  async revert(changes: readonly number[]): Promise<void> {
    const left = await this.#revertOpen((change) => changes.includes(change));
    if (left.length > 0) throw notReverted(this.#identity, left, undefined);
  }

  async lookAgain(changes: readonly number[], signal: AbortSignal): Promise<string | null> {
    for (const line of this.#journal.written) {
      if (line.type !== 'change.started' || !changes.includes(line.change)) continue;
      const { outcome, title, message } = await this.#ports.actuator.verify(line.apply, signal);
      if (outcome === 'fail') return `${title}: no more (${message})`;
    }
    return null;
  }

  async keep(changes: readonly number[]): Promise<void> {
    for (const change of changes) await this.#journal.append({ type: 'change.kept', change });
  }

  async evidence(file: string, title: string): Promise<void> {
    await this.#journal.append({ type: 'evidence', file, title });
  }

  async conclude(verdict: Verdict): Promise<void> {
    await this.#journal.append({ type: 'verdict.reached', verdict });
  }

  async revertWhatIsOpen(): Promise<LeftOver[]> {
    return this.#revertOpen(() => true);
  }

  async finish(result: RunResult, message: string, left: readonly LeftOver[]): Promise<void> {
    const { emit } = this.#ports;
    try {
      await this.#journal.append({ type: 'run.finished', by: 'run', result, message });
      if (left.length === 0) await this.#runFolder.close();
      await this.#guardian?.farewell();
    } catch (error) {
      emit({ type: 'warning', message: `the end of run ${this.id} could not be noted: ${messageOf(error)}` });
    }
    try {
      await this.#lock.release();
    } catch (error) {
      emit({
        type: 'warning',
        message: `the run lock could not be released, it expires by itself: ${messageOf(error)}`,
      });
    }
    emit({ type: 'run.finished', run: this.id, result, message });
  }

  async #ensureGuardian(plan: Plan): Promise<void> {
    const needed = plan.changes.some(({ revert, undoneBy }) => revert !== null && undoneBy === 'guardian');
    if (!needed || this.#guardian !== undefined) return;
    const guardian = await this.#ports.startGuardian(this.#identity);
    guardian.lost.addEventListener('abort', () => this.#broken.abort(this.#guardianLost(guardian)), {
      once: true,
    });
    if (guardian.lost.aborted) throw this.#guardianLost(guardian);
    this.#guardian = guardian;
    await this.#lock.joinedBy(guardian.pid);
  }

  #guardianLost({ lost }: Guardian): OperationFailed {
    return new OperationFailed(
      `the guardian process was ended (${lost.reason}), so nothing would revert if this run died too`,
      { reverted: true, hint: `its log: ${this.folder}/guardian.log; then run again` },
    );
  }

  async #make(change: Change, plan: Plan): Promise<number> {
    const { actuator, emit, clock } = this.#ports;
    this.signal.throwIfAborted();
    if (!(await this.#lock.stillHeld())) throw lockLost(this.#identity);
    const number = ++this.#changes;
    const text = actuator.describe(change.apply);
    const { target, apply, revert, undoneBy, seconds } = change;
    const deadline =
      plan.holdSeconds === null
        ? null
        : new Date(clock.now().getTime() + (plan.holdSeconds + seconds + graceSeconds) * 1000);
    await this.#journal.append({
      type: 'change.started',
      change: number,
      target,
      apply,
      revert,
      undoneBy,
      deadline: deadline?.toISOString() ?? null,
    });
    emit({ type: 'change.started', text, seconds });
    await actuator.apply(apply, this.signal);
    await this.#journal.append({ type: 'change.applied', change: number });
    emit({ type: 'change.applied', text });
    await this.#refuseWhenTakenOver(number);
    await this.#prove(number, change);
    return number;
  }

  async #prove(number: number, change: Change): Promise<void> {
    const outcome = await this.#ports.actuator.verify(change.apply, this.signal);
    await this.#journal.append({ type: 'change.verified', change: number, outcome });
    this.#ports.emit({ type: 'change.verified', outcome });
    if (outcome.outcome === 'fail' || outcome.outcome === 'unknown') {
      throw new Error(`${outcome.title}: ${outcome.message}`);
    }
  }

  /** A process that was stopped and goes on after its guardian has reverted must not believe that its change holds. */
  async #refuseWhenTakenOver(number: number): Promise<void> {
    const lines = await this.#journal.read();
    const taken = lines.some(
      (line) => line.type === 'revert.started' && line.change === number && line.by !== 'run',
    );
    if (taken) throw new Error('the run was late, and its guardian has begun to revert');
  }

  /** Earlier plans of the run stay as they are: they did not fail. */
  async #revertAfterFailure(plan: Plan, first: number, error: unknown): Promise<void> {
    const { emit } = this.#ports;
    emit({ type: 'warning', message: `${plan.operation} failed, reverting: ${messageOf(error)}` });
    const left = await this.#revertOpen((change) => change >= first);
    if (left.length > 0) throw notReverted(this.#identity, left, error);
  }

  #reverted(plan: Plan, error: unknown): unknown {
    if (this.#ports.signal.aborted) return interruption(this.#ports.signal, error);
    if (error instanceof Refused) return error;
    return new OperationFailed(`${plan.operation} failed and was reverted: ${messageOf(error)}`, {
      reverted: true,
      hint: `the journal has the details: examctl runs show ${this.id}`,
      cause: error,
    });
  }

  async #revertOpen(wanted: (change: number) => boolean): Promise<LeftOver[]> {
    const plans = (await this.#plansAtWork())
      .filter(({ changes }) => changes.some(wanted))
      .map((plan) => ({ ...plan, open: plan.open.filter(({ change }) => wanted(change)) }));
    const revertWithin = this.#gaveUp ? lastTryWithin : this.#ports.revertWithin;
    const left = await undoPlans(plans, 'run', {
      ...this.#ports,
      journal: this.#journal,
      ...(revertWithin !== undefined && { revertWithin }),
    });
    this.#gaveUp ||= left.length > 0;
    return left;
  }

  /** A journal that cannot be read any more must not keep anything broken: to revert once more does no harm. */
  async #plansAtWork(): Promise<readonly PlanAtWork[]> {
    try {
      return plansAtWork(await this.#journal.read());
    } catch (error) {
      const message = `the journal cannot be read (${messageOf(error)}); reverting all the same`;
      this.#ports.emit({ type: 'warning', message });
      return plansAtWork(this.#journal.written);
    }
  }
}

/** Milliseconds. */
const lastTryWithin = 10_000;

/** What a run may be late before its guardian steps in: verification, and a machine under load. */
const graceSeconds = 15;

function lockLost({ operation, environment }: RunIdentity): Refused {
  return new Refused(`${operation} stopped: another run has taken over the run lock of ${environment}`, {
    hint: 'examctl runs list shows who',
  });
}
