import type { Environment } from '../lifecycle/environment.ts';
import { Undetermined, UsageError } from '../lifecycle/errors.ts';
import { makePlan, type Plan } from '../lifecycle/plan.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';
import { steadyState } from '../probes/steady-state.ts';
import type { FaultDefinition } from './fault.ts';

/** What injecting the fault would do, with the steady state as it is now. Reads only. */
export async function planFault(
  fault: FaultDefinition,
  environment: Environment,
  holdSeconds = fault.defaultSeconds,
): Promise<Plan> {
  if (holdSeconds > fault.maxSeconds) {
    throw new UsageError(`${fault.id} may last ${fault.maxSeconds} s at most, not ${holdSeconds} s`, {
      hint: `--for ${fault.maxSeconds}s`,
    });
  }
  requireProvenDriver(environment);
  // a driver that cannot be asked could neither inject nor revert: that is not known to be ill, it is not known at all
  await environment.driver.instances();
  const [impact, before, changes] = await Promise.all([
    impactOf(environment, { disruptive: true, text: fault.impact }),
    steadyState(environment),
    fault.changes(environment),
  ]);
  return makePlan({
    operation: `fault inject ${fault.id}`,
    environment: environment.name,
    parameters: { fault: fault.id, seconds: holdSeconds },
    impact,
    changes,
    holdSeconds,
    steadyState: before,
  });
}

/** Where it has not been proven that a fault comes back, whatever dies, none is injected. */
function requireProvenDriver({ name, driver }: Pick<Environment, 'name' | 'driver'>): void {
  if (driver.kind === 'sandbox') return;
  throw new Undetermined(
    `no fault is injected into ${name}: this version has proven its way back in the sandbox only`,
    {
      hint: 'examctl fault inject without -e uses the sandbox; examctl services restarts what compose runs',
    },
  );
}
