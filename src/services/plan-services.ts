import type { Environment, Service, ServiceInstance } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { type Change, makePlan, type Plan } from '../lifecycle/plan.ts';
import { revisionOf } from '../lifecycle/revision.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';
import { effects, restartSeconds } from './restarts.ts';

export type ServiceOrder = 'start' | 'stop' | 'restart';

/** Each needs those before it: a backend does not start without its cache. */
const startOrder: readonly Service[] = ['database', 'cache', 'worker', 'backend', 'frontend', 'edge'];

/** What the order would do to one service. Nothing when it is so already. Reads only. */
export async function planService(
  order: ServiceOrder,
  service: Service,
  environment: Environment,
): Promise<Plan> {
  const instances = (await environment.driver.instances()).filter((one) => one.service === service);
  if (instances.length === 0) throw await noSuchService(service, environment);
  const change = changeOf(order, service, instances);
  return makePlan({
    ...(await common(
      environment,
      order === 'start' ? 'nobody is disturbed' : effects[service],
      order !== 'start',
    )),
    operation: `services ${order}`,
    parameters: { service, ...(await revisionOf(environment.driver)) },
    changes: change === null ? [] : [change],
  });
}

/** Restarts the services one after another, each when those that it needs are healthy again. Reads only. */
export async function planRestartAll(environment: Environment): Promise<Plan> {
  const instances = await environment.driver.instances();
  const services = startOrder.filter((service) => instances.some((instance) => instance.service === service));
  return makePlan({
    ...(await common(environment, 'nobody reaches the platform until all services are healthy again', true)),
    operation: 'services restart-all',
    parameters: await revisionOf(environment.driver),
    changes: services.map((service) =>
      restartOf(
        service,
        instances.filter((instance) => instance.service === service),
      ),
    ),
  });
}

async function common(environment: Environment, text: string, disruptive: boolean) {
  return {
    environment: environment.name,
    impact: await impactOf(environment, { disruptive, text }),
    holdSeconds: null,
    // Nothing has to be well before: a restart is often what is to mend it.
    steadyState: [],
  };
}

function changeOf(
  order: ServiceOrder,
  service: Service,
  instances: readonly ServiceInstance[],
): Change | null {
  const target = `service ${service}`;
  const before = stateOf(instances);
  switch (order) {
    case 'start':
      if (before === 'running') return null;
      return {
        target,
        before,
        after: 'running',
        apply: { kind: 'service-start', service },
        revert: before === 'stopped' ? { kind: 'service-stop', service } : null,
        undoneBy: 'recover',
        seconds: restartSeconds[service],
      };
    case 'stop':
      if (before === 'stopped') return null;
      return {
        target,
        before,
        after: 'stopped',
        apply: { kind: 'service-stop', service },
        revert: { kind: 'service-start', service },
        undoneBy: 'recover',
        seconds: 10,
      };
    case 'restart':
      return restartOf(service, instances);
  }
}

/** One that ends in the middle may leave the service stopped, so its guardian starts it. */
function restartOf(service: Service, instances: readonly ServiceInstance[]): Change {
  return {
    target: `service ${service}`,
    before: stateOf(instances),
    after: 'running, started anew',
    apply: { kind: 'service-restart', service },
    revert: { kind: 'service-start', service },
    undoneBy: 'guardian',
    seconds: restartSeconds[service],
  };
}

function stateOf(instances: readonly ServiceInstance[]): string {
  const states = [...new Set(instances.map(({ state }) => state))];
  return states.length === 1 ? (states[0] ?? 'unknown') : states.sort().join(' and ');
}

async function noSuchService(service: Service, { name, driver }: Environment): Promise<UsageError> {
  const known = [...new Set((await driver.instances()).map((instance) => instance.service))];
  return new UsageError(`${name} has no service ${service}`, { hint: `it has: ${known.join(', ')}` });
}
