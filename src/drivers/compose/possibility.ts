import { pidHere } from '../../adapters/docker/on-this-machine.ts';
import { networkNamespaceOf } from '../../adapters/network-namespace.ts';
import type { NetworkRules } from '../../adapters/network-rules.ts';
import type { Ability, Possibility } from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';
import { linkRules, portOf } from './links.ts';
import { type LocalInstance, memoryOf, mountOf, requireOwnNetwork } from './local-instances.ts';

export const noVendor =
  'what the platform calls outside is not part of its compose file: examctl cannot answer in its place';

interface Looking {
  readonly running: (service: Service) => Promise<LocalInstance[]>;
  readonly of: (service: Service) => Promise<ContainerInstance[]>;
  readonly all: () => Promise<readonly ContainerInstance[]>;
  readonly rules: NetworkRules;
}

export async function possibilityOf(disturbance: Ability, looking: Looking): Promise<Possibility> {
  try {
    return { possible: true, how: await howOf(disturbance, looking) };
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    return { possible: false, why: messageOf(error) };
  }
}

/** Throws Undetermined with the reason when it cannot be done. */
async function howOf(disturbance: Ability, { running, of, all, rules }: Looking): Promise<string> {
  if (disturbance.kind === 'pause') {
    await of(disturbance.service);
    return 'the engine freezes its containers';
  }
  if (disturbance.kind === 'vendor') throw new Undetermined(noVendor);
  const service = 'to' in disturbance ? disturbance.to : disturbance.service;
  if ('from' in disturbance) await of(disturbance.from);
  await of(service);
  const targets = await running(service);
  const [target] = targets;
  if (target === undefined)
    throw new Undetermined(
      `${service} does not run on this machine: it takes a command on the engine's own machine`,
    );
  if (disturbance.kind === 'worker-kill') return 'SIGKILL of one of its worker processes';
  if (process.getuid?.() !== 0) throw new Undetermined('it takes root on the machine of the engine (sudo)');
  switch (disturbance.kind) {
    case 'network-cut':
    case 'network-loss':
    case 'network-delay': {
      targets.forEach(requireOwnNetwork);
      const { pid, instance } = target;
      const sources = await of(disturbance.from);
      const link = linkRules(disturbance, { id: 'probe', pid, sources, target: instance });
      for (const table of ['filter', 'nat'] as const) {
        const problem = await rules.problemWith(link.rules[table], table);
        if (problem !== null) throw new Undetermined(`iptables cannot do it here: ${problem}`);
      }
      const shared = sharedNetworks([...sources, instance], await all());
      return link.relay === null
        ? `packet rules in the network of ${service}${shared}`
        : `a relay in the network of ${service}, port ${portOf(pid, service)}; open connections are reset at its begin and end${shared}`;
    }
    case 'cpu':
      return `a process beside ${service}, within its limits`;
    case 'memory':
      memoryOf(target.instance);
      return `a process beside ${service}, within its limits`;
    case 'disk':
      return `a file that fills ${mountOf(target.pid, disturbance.path).path} of ${service}`;
  }
}

/** Those that have the same network (network_mode: service:x) are hit with it. */
function sharedNetworks(hit: readonly ContainerInstance[], all: readonly ContainerInstance[]): string {
  const networkOf = ({ container }: ContainerInstance) => {
    const pid = pidHere(container);
    return pid === undefined ? undefined : networkNamespaceOf(pid);
  };
  const networks = new Set(hit.map(networkOf));
  const others = all.filter((one) => hit.every(({ id }) => id !== one.id));
  const sharing = others.filter((one) => networkOf(one) !== undefined && networks.has(networkOf(one)));
  return sharing.length === 0
    ? ''
    : `; it also hits ${sharing.map(({ id }) => id).join(', ')}, in the same network`;
}
