import type { FaultDefinition } from '../../faults/fault.ts';
import { planFault } from '../../faults/plan-fault.ts';
import { ExamctlError, messageOf, OperationFailed, UsageError } from '../../lifecycle/errors.ts';
import type { OutcomeRecord } from '../../lifecycle/outcome.ts';
import { requireSteadyState } from '../../lifecycle/steady-state.ts';
import { untilSteady } from '../../probes/until-steady.ts';
import type { RehearsalContext } from '../ports.ts';

/** A fault as it went, before the load's requests are set against it. */
export interface Injection {
  readonly fault: FaultDefinition;
  readonly injectedAt: Date;
  readonly revertedAt: Date | null;
  readonly steadyAt: Date | null;
  /** from the end of the disturbance until the steady state was seen; null when it was not */
  readonly recoverySeconds: number | null;
  readonly steadyAfter: readonly OutcomeRecord[];
  /** why it could not be injected, or not reverted; `isKnown`: the platform did wrong, else it could not be seen */
  readonly problem: { readonly text: string; readonly isKnown: boolean } | null;
}

/**
 * Injects one fault, holds it, reverts it and waits for the steady state. A platform that does not bear the fault
 * is a finding, not the end of the rehearsal; only an interrupt ends it. What could not be reverted stays open in
 * the run, which tries again at its end.
 */
export async function inject(id: string, seconds: number, context: RehearsalContext): Promise<Injection> {
  const { environment, run, clock, progress, profile } = context;
  const fault = faultOf(id, context);
  const injectedAt = clock.now();
  const failed = (error: unknown): Injection => {
    run.signal.throwIfAborted();
    if (!(error instanceof ExamctlError)) throw error;
    return {
      fault,
      injectedAt,
      revertedAt: null,
      steadyAt: null,
      recoverySeconds: null,
      steadyAfter: [],
      problem: { text: messageOf(error), isKnown: error instanceof OperationFailed },
    };
  };
  try {
    const plan = await planFault(fault, environment, seconds);
    requireSteadyState(plan);
    progress.update(`${fault.title}, for ${seconds} s`);
    const begun = clock.now();
    const changes = await run.perform(plan);
    let ended = begun;
    try {
      if (fault.nature === 'lasting') await hold(seconds, context);
    } finally {
      // also at an interrupt: students must not wait until the load has ended
      if (fault.nature === 'lasting') ended = clock.now();
      await run.revert(changes);
    }
    const revertedAt = clock.now();
    progress.update(`${fault.title}: over, waiting for the steady state`);
    const steadyAfter = await untilSteady(environment, {
      clock,
      signal: run.signal,
      // longer than it should take, so that a late recovery is seen as late and not as none
      seconds: 2 * profile.recoverySeconds,
    });
    const isSteady = steadyAfter.every(({ outcome }) => outcome === 'pass' || outcome === 'warn');
    const steadyAt = isSteady ? clock.now() : null;
    const recoverySeconds = steadyAt === null ? null : (steadyAt.getTime() - ended.getTime()) / 1000;
    return { fault, injectedAt, revertedAt, steadyAt, recoverySeconds, steadyAfter, problem: null };
  } catch (error) {
    return failed(error);
  }
}

async function hold(seconds: number, { clock, run }: RehearsalContext): Promise<void> {
  await clock.sleep(seconds * 1000, run.signal);
  run.signal.throwIfAborted();
}

function faultOf(id: string, { faults }: RehearsalContext): FaultDefinition {
  const fault = faults.find((candidate) => candidate.id === id);
  if (fault === undefined)
    throw new UsageError(`the rehearsal profile names a fault that is not there: ${id}`);
  return fault;
}
