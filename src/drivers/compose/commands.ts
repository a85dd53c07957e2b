import { pidHere } from '../../adapters/docker/on-this-machine.ts';
import type { Disturbance } from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { Action } from '../../lifecycle/plan.ts';
import type { ContainerInstance } from './instances.ts';
import { chainOf, isBetweenServices, linkRules, type NetworkDisturbance } from './links.ts';

/** What a person would type for the actions of a plan; the engine is asked by its API, which does the same. */
export function composeCommands(
  actions: readonly Action[],
  instances: readonly ContainerInstance[],
): string[] {
  return actions.flatMap((action) => commandsOf(action, instances));
}

function commandsOf(action: Action, instances: readonly ContainerInstance[]): string[] {
  const names = (service: unknown) =>
    instances.filter((one) => one.service === service).map(({ container }) => container.Name.slice(1));
  const docker = (verb: string, service: unknown) => names(service).map((name) => `docker ${verb} ${name}`);
  switch (action.kind) {
    case 'service-stop':
      return docker('stop', action.service);
    case 'service-pause':
      return docker('pause', action.service);
    case 'service-start':
      return names(action.service).map(
        (name) => `docker start ${name}    (docker unpause, where it is paused)`,
      );
    case 'service-restart':
      return [...docker('stop', action.service), ...docker('start', action.service)];
    case 'instances-restart':
      return docker('restart', action.service);
    case 'worker-kill':
      return [`kill -KILL one of ${(action.workers as readonly number[]).join(', ')}`];
    case 'disturb':
      return disturbing(String(action.id), action.disturbance as unknown as Disturbance, instances);
    case 'calm':
      return calming(String(action.id), action.disturbance as unknown as Disturbance, instances);
    case 'connections-hold':
      return ['examctl internal helper --name hold-connections'];
    case 'connections-release':
      return ['kill the helper process'];
    default:
      return [];
  }
}

function disturbing(id: string, disturbance: Disturbance, instances: readonly ContainerInstance[]): string[] {
  return targetsOf(disturbance, instances).flatMap(({ instance, pid }) => {
    if (!isBetweenServices(disturbance)) return [besideText(disturbance, instance)];
    const { rules, relay } = rulesFor(id, disturbance, { instance, pid }, instances);
    const inside = `nsenter --target ${pid} --net iptables`;
    return [
      ...(relay === null
        ? []
        : [
            `nsenter --target ${pid} --net examctl internal helper --name delay-relay --port ${relay.port} --to ${relay.to} --milliseconds ${relay.milliseconds}`,
          ]),
      ...['INPUT', 'OUTPUT'].map((from) => `${inside} --insert ${from} --jump ${rules.chain}`),
      ...(rules.nat.length === 0 ? [] : [`${inside} --table nat --insert PREROUTING --jump ${rules.chain}`]),
      ...rules.filter.map((rule) => `${inside} --append ${rules.chain} ${rule.join(' ')}`),
      ...rules.nat.map((rule) => `${inside} --table nat --append ${rules.chain} ${rule.join(' ')}`),
    ];
  });
}

function calming(id: string, disturbance: Disturbance, instances: readonly ContainerInstance[]): string[] {
  return targetsOf(disturbance, instances).map(({ instance, pid }) => {
    if (isBetweenServices(disturbance))
      return `nsenter --target ${pid} --net iptables --flush ${chainOf(id)}, and without the chain; end its helper`;
    return disturbance.kind === 'disk'
      ? `rm the file in ${instance.id}`
      : `kill the helper beside ${instance.id}`;
  });
}

function targetsOf(disturbance: Disturbance, instances: readonly ContainerInstance[]) {
  if (disturbance.kind === 'vendor') return [];
  const service: Service = isBetweenServices(disturbance) ? disturbance.to : disturbance.service;
  return instances.flatMap((instance) => {
    const pid = pidHere(instance.container);
    return instance.service !== service || pid === undefined ? [] : [{ instance, pid }];
  });
}

function rulesFor(
  id: string,
  disturbance: NetworkDisturbance,
  target: { readonly instance: ContainerInstance; readonly pid: number },
  instances: readonly ContainerInstance[],
) {
  const sources = instances.filter(({ service }) => service === disturbance.from);
  if (sources.length === 0) throw new Undetermined(`there is no container of ${disturbance.from}`);
  return linkRules(disturbance, { id, pid: target.pid, sources, target: target.instance });
}

function besideText(
  disturbance: Exclude<Disturbance, NetworkDisturbance>,
  { id }: ContainerInstance,
): string {
  switch (disturbance.kind) {
    case 'cpu':
      return `examctl internal helper --name burn-cpu --cores ${disturbance.cores}, in the control groups of ${id}`;
    case 'memory':
      return `examctl internal helper --name hold-memory, in the control groups of ${id}`;
    case 'disk':
      return `write a file into ${disturbance.path || 'the first tmpfs'} of ${id} until there is no space left`;
    case 'vendor':
      return '';
  }
}
