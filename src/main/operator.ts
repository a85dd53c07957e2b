import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { actuatorFor } from '../actions/index.ts';
import type { AuditLog } from '../adapters/audit-log.ts';
import { startGuardian } from '../adapters/guardian-process.ts';
import { identify } from '../adapters/processes.ts';
import type { RunFolders } from '../adapters/run-folders.ts';
import { heldBy } from '../adapters/run-locks.ts';
import type { Operator } from '../commands/context.ts';
import { type Actor, authorize } from '../lifecycle/authorize.ts';
import { systemClock } from '../lifecycle/clock.ts';
import { type Environment, otherThan } from '../lifecycle/environment.ts';
import { messageOf, Refused, Undetermined } from '../lifecycle/errors.ts';
import type { Listener } from '../lifecycle/events.ts';
import { requireNobodyIsHurt } from '../lifecycle/fault-guard.ts';
import { type Journal, openChanges } from '../lifecycle/journal.ts';
import { type OperationResult, runOperation } from '../lifecycle/operation.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Plan } from '../lifecycle/plan.ts';
import { guardianOf, type Recovery, recoverRun } from '../lifecycle/recover.ts';
import { revertDeadline } from '../lifecycle/revert.ts';
import { refuseStale } from '../lifecycle/revision.ts';
import { lockHolderOf, type Run, type RunIdentity, type RunPorts, withRun } from '../lifecycle/run.ts';
import { cannotBeSeen } from '../lifecycle/run-archive.ts';
import { requireSteadyState } from '../lifecycle/steady-state.ts';
import { isGone } from './fingerprint.ts';
import { nothingLeft } from './nothing-left.ts';
import { runLocksOf } from './run-locks.ts';
import { RunRecorder } from './run-recorder.ts';

export interface OperatorPorts {
  readonly environment: Environment;
  readonly state: string;
  readonly folders: RunFolders;
  readonly audit: AuditLog;
  readonly program: readonly string[];
  /** flags with which a guardian finds the same environment */
  readonly flags: readonly string[];
  readonly signal: AbortSignal;
  readonly emit: Listener;
  /** something was done of which the audit log does not know the end: no exit code may say that all is well */
  readonly onUnrecorded: () => void;
  /** read from the configuration when it is needed */
  readonly actor: () => Promise<Actor>;
  readonly reason: string | undefined;
  readonly breakGlass: boolean;
  /** the environment's name as the person typed it; asks on a terminal, undefined without one */
  readonly confirm: (plan: Plan) => Promise<string | undefined>;
}

/** Makes plans come true on one environment: authorizes, keeps the audit log, runs. */
export function makeOperator(ports: OperatorPorts): Operator {
  return new OperatorOnRecord(ports);
}

class OperatorOnRecord implements Operator {
  readonly #ports: OperatorPorts;
  readonly #recorder: RunRecorder;

  constructor(ports: OperatorPorts) {
    this.#ports = ports;
    this.#recorder = new RunRecorder(ports);
  }

  async run(
    plan: Plan,
    during?: (signal: AbortSignal) => Promise<readonly OutcomeRecord[]>,
  ): Promise<OperationResult> {
    await this.#allow(plan);
    const identity = await this.#identity(plan.operation);
    return this.#recorder.onRecord(identity, { plan: plan.digest, parameters: plan.parameters }, (audit) =>
      runOperation(plan, { ...identity, audit }, this.#runPorts(identity, plan), during),
    );
  }

  async withRun<T>(plan: Plan, use: (run: Run) => Promise<T>): Promise<T> {
    await this.#allow(plan);
    const identity = await this.#identity(plan.operation);
    return this.#recorder.onRecord(
      identity,
      { plan: plan.digest, parameters: plan.parameters },
      (audit) => withRun({ ...identity, audit }, this.#runPorts(identity, plan), use),
      () => this.#recorder.conclusionOf(identity.id),
    );
  }

  async recover(run: string, { acceptsState = false } = {}): Promise<Recovery> {
    const { folders, environment, state, emit } = this.#ports;
    const begun = folders.mark(run).identity;
    const isGoneWithIt = await isGone(begun, environment);
    if (!isGoneWithIt) await this.#requireSameSystem(begun);
    const identity = await this.#identity('recover');
    await this.#untilGuardianIsDone(run);
    const lock = await runLocksOf(environment, state).acquire(lockHolderOf(identity), { takeOverFrom: run });
    try {
      const recover = async () => {
        const { actuator, clock } = this.#runPorts(identity);
        const journal = folders.journal(run);
        const damage = await journal.damage();
        const gone = isGoneWithIt ? await this.#goneWithIt(run, journal) : undefined;
        const recovery = gone ?? (await recoverRun(run, journal, { actuator, clock, emit, acceptsState }));
        if (damage !== null) throw notKnown(run, damage, folders.path(run));
        if (recovery.left.length === 0) folders.close(run);
        await this.#releaseLeaseOf(run);
        return recovery;
      };
      const resultOf = ({ left }: Recovery) =>
        left.length === 0 ? 'done' : `not reverted: ${left.map(({ target }) => target).join(', ')}`;
      return await this.#recorder.onRecord(identity, { recovers: run }, recover, resultOf);
    } finally {
      await lock.release().catch((error: unknown) => emit({ type: 'warning', message: messageOf(error) }));
    }
  }

  /** What is called the same may be another system: to revert there would change what the run never touched. */
  async #requireSameSystem({ id, target = {} }: RunIdentity): Promise<void> {
    const { environment } = this.#ports;
    const now = await environment.fingerprint();
    const other = otherThan(target, now);
    if (other.length === 0) return;
    const differences = other.map((part) => `its ${part} was ${target[part]}, now it is ${now[part]}`);
    throw new Refused(
      `run ${id} was begun on another system than ${environment.name} is here: ${differences.join('; ')}`,
      { hint: 'recover it with the configuration with which it was begun: --config FILE' },
    );
  }

  async #goneWithIt(run: string, journal: Journal): Promise<Recovery | undefined> {
    const { name } = this.#ports.environment;
    const open = openChanges(await journal.read()).filter(
      ({ revert }) => revert?.kind !== 'environment-down',
    );
    if (open.length === 0) return undefined;
    const message = `${name} is not there any more, and what was open in it went with it`;
    await journal.append({ type: 'run.finished', by: 'recover', result: 'interrupted', message });
    this.#ports.emit({ type: 'warning', message });
    return { run, open: open.map(({ target }) => target), left: [] };
  }

  /** Where the database was away until now, the lease of the dead run is still in it, and would refuse the next one. */
  async #releaseLeaseOf(run: string): Promise<void> {
    const { environment, state, emit } = this.#ports;
    try {
      await runLocksOf(environment, state).forceRelease(run);
    } catch (error) {
      const message = `the run lock of ${run} could not be released, it expires by itself: ${messageOf(error)}`;
      emit({ type: 'warning', message });
    }
  }

  /** A guardian that is reverting must not be disturbed; one that hangs must not keep a person from it for ever. */
  async #untilGuardianIsDone(run: string): Promise<void> {
    const { folders, emit, signal } = this.#ports;
    const deadline = Date.now() + revertDeadline;
    for (;;) {
      const pid = guardianOf(await folders.journal(run).read());
      if (pid === undefined || identify(pid) === undefined) return;
      if (Date.now() > deadline) {
        emit({
          type: 'warning',
          message: `the guardian of ${run} (process ${pid}) is still at work; going on beside it`,
        });
        return;
      }
      await systemClock.sleep(250, signal);
      signal.throwIfAborted();
    }
  }

  async #allow(plan: Plan): Promise<void> {
    const { environment, reason, breakGlass } = this.#ports;
    try {
      await this.#refuseOrphans();
      const actor = await this.#ports.actor();
      const confirmed = environment.protected ? await this.#ports.confirm(plan) : undefined;
      authorize({ plan, environment, actor, confirmed, reason, breakGlass });
      requireNobodyIsHurt(plan, environment, breakGlass);
      await this.#requireSteadyState(plan);
    } catch (error) {
      if (error instanceof Refused) await this.#recorder.refused(plan.operation, error);
      throw error;
    }
  }

  /** Who is at work says more than what is broken by it. */
  async #requireSteadyState(plan: Plan): Promise<void> {
    try {
      requireSteadyState(plan);
    } catch (error) {
      const { environment, state } = this.#ports;
      // with the database away nobody can see it
      const lock = await runLocksOf(environment, state)
        .current()
        .catch(() => null);
      throw lock === null || lock.expired ? error : heldBy(lock);
    }
  }

  /** A run that died may have left something; a run on top of that would take the mess for the normal state. */
  async #refuseOrphans(): Promise<void> {
    const { folders, environment } = this.#ports;
    const here = folders.open().filter(({ identity }) => identity.environment === environment.name);
    for (const run of here.filter(({ life }) => life !== 'alive')) {
      if (await nothingLeft(run, folders)) {
        folders.close(run.id);
        continue;
      }
      if (run.life === 'elsewhere') throw cannotBeSeen(run);
      throw new Refused(`run ${run.id} (${run.identity.operation}) died and left something open`, {
        hint: `examctl recover ${run.id}`,
      });
    }
  }

  async #identity(operation: string): Promise<RunIdentity> {
    const { environment, reason } = this.#ports;
    const actor = await this.#ports.actor();
    return {
      id: newRunId(operation),
      operation,
      environment: environment.name,
      actor: actor.name,
      host: hostname(),
      pid: process.pid,
      reason: reason ?? null,
      target: await environment.fingerprint(),
    };
  }

  #runPorts(identity: RunIdentity, plan?: Plan): RunPorts {
    const { environment, state, folders, program, flags, signal, emit, reason } = this.#ports;
    return {
      locks: runLocksOf(environment, state),
      ...(plan !== undefined && { authorized: plan }),
      openRunFolder: (run) => folders.create(run, plan),
      startGuardian: ({ id }) =>
        startGuardian({ program, flags, run: id, runFolder: folders.path(id), journal: folders.journal(id) }),
      actuator: actuatorFor({
        environment,
        reason: reason ?? `examctl ${identity.operation}, run ${identity.id}`,
      }),
      clock: systemClock,
      refuseStale: (wanted) => refuseStale(wanted, environment.driver),
      emit,
      signal,
    };
  }
}

function notKnown(run: string, damage: string, folder: string): Undetermined {
  return new Undetermined(
    `what run ${run} left open is not known: its journal cannot be trusted: ${damage}`,
    {
      hint: `plan.json and journal.ndjson in ${folder} may tell what it did; bring the environment into its steady state by hand, then remove the folder's mark: rm ${join(folder, '..', '..', 'open', `${run}.json`)}`,
    },
  );
}

/** Sorts by time, says what it was, and is easy to tell on the phone by its last four characters. */
function newRunId(operation: string): string {
  const time = new Date()
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, '');
  return `${time}-${operation.replaceAll(' ', '-')}-${randomBytes(2).toString('hex')}`;
}
