import type { Environment, Service, ServiceInstance } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';

/** Whether every instance of the service is in the state; looked up anew. */
export async function serviceIs(
  service: Service,
  state: 'running' | 'stopped',
  { driver }: Pick<Environment, 'driver'>,
): Promise<OutcomeRecord> {
  const record = { id: `service-${state}`, title: `${service} is ${state}` };
  const instances = (await driver.instances()).filter((instance) => instance.service === service);
  if (instances.length === 0) {
    return {
      ...record,
      outcome: 'unknown',
      message: `the ${driver.kind} driver shows no instance of ${service}`,
    };
  }
  const others = instances.filter((instance) => instance.state !== state);
  if (others.length > 0) return { ...record, outcome: 'fail', message: others.map(instanceText).join(', ') };
  return { ...record, outcome: 'pass', message: `${instances.map(({ id }) => id).join(', ')}: ${state}` };
}

function instanceText({ id, state, detail }: ServiceInstance): string {
  return detail === undefined ? `${id} is ${state}` : `${id} is ${state} (${detail})`;
}
