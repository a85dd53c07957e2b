import type { Environment } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { makePlan, type Plan } from '../lifecycle/plan.ts';
import { revisionOf } from '../lifecycle/revision.ts';
import { impactOf, othersInProgress } from '../probes/sessions-in-progress.ts';
import { steadyState } from '../probes/steady-state.ts';
import type { FaultDefinition } from './fault.ts';
import { type Values, valuesOf } from './parameters.ts';
import { requirePossible } from './possibility.ts';

export interface PlanFaultOptions {
  readonly seconds?: number | undefined;
  readonly values?: Values;
}

/** What injecting the fault would do, with the steady state as it is now. Reads only. */
export async function planFault(
  fault: FaultDefinition,
  environment: Environment,
  { seconds = fault.defaultSeconds, values = valuesOf(fault.parameters, []) }: PlanFaultOptions = {},
): Promise<Plan> {
  if (seconds > fault.maxSeconds) {
    throw new UsageError(`${fault.id} may last ${fault.maxSeconds} s at most, not ${seconds} s`, {
      hint: `--for ${fault.maxSeconds}s`,
    });
  }
  await requirePossible(fault, environment, values);
  const [impact, others, steady, before, changes] = await Promise.all([
    impactOf(environment, { disruptive: true, text: `hits ${fault.hits(values)}: ${fault.impact}` }),
    othersInProgress(environment),
    steadyState(environment),
    environment.driver.snapshot(),
    fault.changes({ environment, values, seconds }),
  ]);
  const actions = changes.flatMap(({ apply, revert }) => (revert === null ? [apply] : [apply, revert]));
  const commands = await environment.driver.commands?.(actions);
  return makePlan({
    operation: `fault inject ${fault.id}`,
    environment: environment.name,
    parameters: {
      fault: fault.id,
      ...(fault.nature === 'lasting' && { seconds }),
      ...values,
      ...(await revisionOf(environment.driver)),
    },
    impact: { ...impact, othersInProgress: others?.count ?? null },
    changes,
    // a momentary one is over as soon as it is made
    holdSeconds: fault.nature === 'lasting' ? seconds : 0,
    ...(commands !== undefined && { commands }),
    before,
    steadyState: steady,
  });
}
