import type { OutcomeRecord } from './outcome.ts';
import type { Plan } from './plan.ts';
import { type RunIdentity, type RunPorts, withRun } from './run.ts';

export interface OperationResult {
  readonly run: string;
  readonly folder: string;
  readonly plan: Plan;
  /** the changes are still there: nothing but a later operation undoes them */
  readonly kept: boolean;
  /** what was seen while a temporary change held */
  readonly observations: readonly OutcomeRecord[];
}

/**
 * Makes a plan come true as a run of its own. A plan with `holdSeconds` is reverted after that time (`during`
 * may watch meanwhile); one without is kept once it is proven.
 */
export async function runOperation(
  plan: Plan,
  identity: RunIdentity,
  ports: RunPorts,
  during?: (signal: AbortSignal) => Promise<readonly OutcomeRecord[]>,
): Promise<OperationResult> {
  return withRun(identity, ports, async (run) => {
    const changes = await run.perform(plan);
    let observations: readonly OutcomeRecord[] = [];
    if (plan.holdSeconds === null) {
      await run.keep(changes);
    } else {
      observations = await hold(plan.holdSeconds, run.signal, ports, during);
      await run.revert(changes);
    }
    return { run: run.id, folder: run.folder, plan, kept: plan.holdSeconds === null, observations };
  });
}

async function hold(
  seconds: number,
  signal: AbortSignal,
  { clock, emit }: RunPorts,
  during: (signal: AbortSignal) => Promise<readonly OutcomeRecord[]> = async () => [],
): Promise<readonly OutcomeRecord[]> {
  emit({ type: 'hold.started', seconds, text: `holding for ${seconds} s` });
  const watching = new AbortController();
  const observed = during(AbortSignal.any([signal, watching.signal]));
  // It may fail long before it is waited for.
  observed.catch(() => undefined);
  try {
    await clock.sleep(seconds * 1000, signal);
    signal.throwIfAborted();
  } finally {
    watching.abort();
    await observed.catch(() => undefined);
  }
  return observed;
}
