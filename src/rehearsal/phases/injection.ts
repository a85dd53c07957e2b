import type { FaultDefinition } from '../../faults/fault.ts';
import { type FaultRecord, injectFault } from '../../faults/inject-fault.ts';
import { valuesOf } from '../../faults/parameters.ts';
import { planFault } from '../../faults/plan-fault.ts';
import {
  ExamctlError,
  messageOf,
  OperationFailed,
  Undetermined,
  UsageError,
} from '../../lifecycle/errors.ts';
import { requireNobodyIsHurt } from '../../lifecycle/fault-guard.ts';
import { requireSteadyState } from '../../lifecycle/steady-state.ts';
import type { RehearsalContext } from '../ports.ts';

/** A fault as it went, before the load's requests are set against it. */
export interface Injection {
  readonly fault: FaultDefinition;
  readonly injectedAt: Date;
  /** null when it could not be injected, or not reverted */
  readonly record: FaultRecord | null;
  /** why; `isKnown`: the platform did wrong, else it could not be seen */
  readonly problem: { readonly text: string; readonly isKnown: boolean } | null;
  /** when the platform was disturbed: until it was steady again, or for good; null: it never was */
  readonly window: DisturbedWindow | null;
}

export interface DisturbedWindow {
  readonly from: Date;
  /** null: it is not known to have ended */
  readonly to: Date | null;
}

/**
 * Injects one fault, holds it, reverts it and waits for the steady state. A platform that does not bear the fault
 * is a finding, not the end of the rehearsal; only an interrupt ends it. What could not be reverted stays open in
 * the run, which tries again at its end.
 */
export async function inject(id: string, seconds: number, context: RehearsalContext): Promise<Injection> {
  const { environment, run, clock, progress, profile, breakGlass } = context;
  const fault = faultOf(id, context);
  const injectedAt = clock.now();
  const values = valuesOf(fault.parameters, []);
  try {
    const order = context.halted();
    if (order !== undefined)
      throw new Undetermined(`the faults of this rehearsal were halted by ${order.by}`);
    const plan = await planFault(fault, environment, { seconds, values });
    requireNobodyIsHurt(plan, environment, breakGlass);
    requireSteadyState(plan);
    progress.update(`${fault.title}, for ${seconds} s`);
    const record = await injectFault(
      { fault, values, plan, recoverySeconds: profile.recoverySeconds, quietSeconds: 1 },
      {
        environment,
        run,
        clock,
        halted: context.halted,
        onProgress: (text) => progress.update(text),
        onNote: (text) => progress.note(text),
      },
    );
    const { stopped, begunAt, steadyAt, revertedAt } = record;
    const window = { from: new Date(begunAt), to: new Date(steadyAt ?? revertedAt) };
    if (stopped?.cause !== 'halt' && stopped?.cause !== 'exam')
      return { fault, injectedAt, record, problem: null, window };
    const problem = { text: `ended early: ${stopped.text}`, isKnown: false };
    return { fault, injectedAt, record, problem, window };
  } catch (error) {
    run.signal.throwIfAborted();
    if (!(error instanceof ExamctlError)) throw error;
    // whatever else was thrown was thrown before anything was changed
    const isMade = error instanceof OperationFailed;
    const problem = { text: messageOf(error), isKnown: isMade };
    const to = isMade && error.exitCode === 6 ? null : clock.now();
    return { fault, injectedAt, record: null, problem, window: isMade ? { from: injectedAt, to } : null };
  }
}

function faultOf(id: string, { faults }: RehearsalContext): FaultDefinition {
  const fault = faults.find((candidate) => candidate.id === id);
  if (fault === undefined)
    throw new UsageError(`the rehearsal profile names a fault that is not there: ${id}`);
  return fault;
}
