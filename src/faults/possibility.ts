import type { Possibility } from '../lifecycle/disturbance.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { isExpected, messageOf, Undetermined } from '../lifecycle/errors.ts';
import type { FaultDefinition } from './fault.ts';
import { faults } from './index.ts';
import { type Values, valuesOf } from './parameters.ts';

/** Whether the fault can be made here and now, looked up anew; a driver that cannot be asked is a reason, too. */
export async function possibilityOf(
  fault: FaultDefinition,
  { driver }: Pick<Environment, 'driver'>,
  values: Values = valuesOf(fault.parameters, []),
): Promise<Possibility> {
  const needed = fault.needs?.(values);
  if (needed === undefined) return { possible: true, how: 'examctl itself does it' };
  try {
    if (needed.kind !== 'service') return await driver.disturber.possibility(needed);
    const instances = await driver.instances();
    if (instances.some(({ service }) => service === needed.service))
      return { possible: true, how: `the ${driver.kind} driver` };
    return { possible: false, why: `there is no service ${needed.service}` };
  } catch (error) {
    if (!isExpected(error)) throw error;
    return { possible: false, why: messageOf(error) };
  }
}

/** Ids of faults that show about the same and can be made here and now. */
async function possibleInstead(
  { alternatives }: FaultDefinition,
  environment: Pick<Environment, 'driver'>,
): Promise<string[]> {
  const possibilities = await Promise.all(
    alternatives.map((id) => {
      const other = faults.find((fault) => fault.id === id);
      return other && possibilityOf(other, environment);
    }),
  );
  return alternatives.filter((_, index) => possibilities[index]?.possible);
}

/** Throws Undetermined with the reason and what would show the same. */
export async function requirePossible(
  fault: FaultDefinition,
  environment: Pick<Environment, 'driver' | 'name'>,
  values: Values,
): Promise<void> {
  const possibility = await possibilityOf(fault, environment, values);
  if (possibility.possible) return;
  // one that cannot be asked at all says better what to do
  await environment.driver.instances();
  const others = (await possibleInstead(fault, environment)).join(', ');
  throw new Undetermined(`${fault.id} cannot be made on ${environment.name}: ${possibility.why}`, {
    hint: `${others === '' ? '' : `about the same is shown by: ${others}. `}examctl fault list -e ${environment.name} shows what can be made`,
  });
}
