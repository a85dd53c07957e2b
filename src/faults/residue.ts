import type { Environment, Service } from '../lifecycle/environment.ts';
import { type Action, type Change, makePlan, type Plan } from '../lifecycle/plan.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';
import { connectionExhaustion } from './connection-exhaustion.ts';
import type { FaultDefinition } from './fault.ts';
import { faults } from './index.ts';
import { type Values, valuesOf } from './parameters.ts';

/** What of a fault is there, whoever made it, looked up in the environment and not in any journal. */
export interface Residue {
  readonly target: string;
  readonly undo: Action;
}

export async function findResidue(environment: Environment): Promise<Residue[]> {
  const { driver, helpers } = environment;
  const instances = await driver.instances();
  const services = [...new Set(instances.map(({ service }) => service))];
  const found: Residue[] = [];
  for (const fault of faults) {
    for (const values of valuesFor(fault, services)) {
      const needed = fault.needs?.(values);
      if (
        needed === undefined ||
        needed.kind === 'service' ||
        needed.kind === 'pause' ||
        needed.kind === 'worker-kill'
      )
        continue;
      const what = { id: fault.id, disturbance: needed };
      if (await driver.disturber.isDisturbed(what))
        found.push({ target: `${fault.id} at ${placeOf(values)}`, undo: { kind: 'calm', ...what } });
    }
  }
  if (helpers.find(connectionExhaustion.id).length > 0)
    found.push({ target: 'held connections of database', undo: { kind: 'connections-release' } });
  const paused = instances.filter(({ detail }) => detail === 'paused').map(({ service }) => service);
  for (const service of new Set(paused))
    found.push({ target: `paused service ${service}`, undo: { kind: 'service-start', service } });
  return found;
}

/** Undoes what was found. It may have been there for days, so nothing has to be well before. */
export async function planClear(environment: Environment, residue: readonly Residue[]): Promise<Plan> {
  return makePlan({
    operation: 'fault clear',
    environment: environment.name,
    parameters: {},
    impact: await impactOf(environment, {
      disruptive: false,
      text: 'what was broken on purpose becomes whole',
    }),
    changes: residue.map(
      ({ target, undo }): Change => ({
        target,
        before: 'there',
        after: 'undone',
        apply: undo,
        revert: null,
        undoneBy: 'recover',
        seconds: 5,
      }),
    ),
    holdSeconds: null,
    steadyState: [],
  });
}

/** By whom it is hit decides where it is found; the rest of the values does not matter. */
function valuesFor({ parameters }: FaultDefinition, services: readonly Service[]): Values[] {
  const initial = valuesOf(parameters, []);
  const place = parameters.find(({ name }) => name === 'to' || name === 'service')?.name;
  if (place === undefined) return [initial];
  return services.map((service) => {
    const from = initial.from === service ? services.find((other) => other !== service) : initial.from;
    return { ...initial, ...(from !== undefined && { from }), [place]: service };
  });
}

function placeOf({ to, service }: Values): string {
  return String(to ?? service ?? 'the environment');
}
