import { createHash } from 'node:crypto';
import { listeningPorts } from '../../adapters/listening-ports.ts';
import type { Rule, RuleSet } from '../../adapters/network-rules.ts';
import type { Disturbance } from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

export type NetworkDisturbance = Extract<Disturbance, { readonly from: Service }>;

export function isBetweenServices(disturbance: Disturbance): disturbance is NetworkDisturbance {
  return 'from' in disturbance;
}

interface Link {
  readonly id: string;
  /** of the target, on this machine */
  readonly pid: number;
  readonly sources: readonly ContainerInstance[];
  readonly target: ContainerInstance;
}

interface LinkRules {
  readonly rules: RuleSet;
  /** of those that are disturbed */
  readonly addresses: readonly string[];
  /** what must listen at `port` in the target's network before the rules are set */
  readonly relay: { readonly port: number; readonly to: number; readonly milliseconds: number } | null;
}

/** What makes the disturbance, in the network of its target: it alone knows both what comes and what goes. */
export function linkRules(disturbance: NetworkDisturbance, link: Link): LinkRules {
  const chain = chainOf(link.id);
  const addresses = addressesOf(link);
  const both = (rule: Rule) =>
    addresses.flatMap((address) => [
      ['--source', address, ...rule],
      ['--destination', address, ...rule],
    ]);
  switch (disturbance.kind) {
    case 'network-cut':
      return { rules: { chain, filter: both(['--jump', 'DROP']), nat: [] }, addresses, relay: null };
    case 'network-loss': {
      const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(disturbance.share)];
      return {
        rules: { chain, filter: both([...random, '--jump', 'DROP']), nat: [] },
        addresses,
        relay: null,
      };
    }
    case 'network-delay': {
      const to = portOf(link.pid, link.target.service);
      const port = relayPort(link.id);
      const arriving = (address: string) => ['--source', address, '-p', 'tcp', '--dport', String(to)];
      // what is connected already does not pass the relay: it has to connect anew
      const reset = ['--jump', 'REJECT', '--reject-with', 'tcp-reset'];
      return {
        rules: {
          chain,
          filter: addresses.map((address) => [...arriving(address), ...reset]),
          nat: addresses.map((address) => [
            ...arriving(address),
            '--jump',
            'REDIRECT',
            '--to-ports',
            String(port),
          ]),
        },
        addresses,
        relay: { port, to, milliseconds: disturbance.milliseconds },
      };
    }
  }
}

/** A chain's name may have 28 letters. */
export function chainOf(id: string): string {
  return `EXAMCTL-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

/** Above the ports that the kernel gives to those who ask for any. */
function relayPort(id: string): number {
  return 61_100 + (createHash('sha256').update(id).digest().readUInt16BE() % 4_000);
}

function addressesOf({ sources, target }: Link): string[] {
  const networks = new Set(
    Object.values(target.container.NetworkSettings.Networks).map(({ NetworkID }) => NetworkID),
  );
  const shared = sources.flatMap(({ container }) =>
    Object.values(container.NetworkSettings.Networks).filter(({ NetworkID }) => networks.has(NetworkID)),
  );
  const [from, to] = [sources[0]?.service, target.service];
  // these rules are of IPv4: what goes the other way would pass, and the fault would show nothing
  if (shared.some(({ GlobalIPv6Address = '' }) => GlobalIPv6Address !== ''))
    throw new Undetermined(`${from} and ${to} also reach each other by IPv6, which packet rules leave alone`);
  const addresses = shared.map(({ IPAddress }) => IPAddress).filter((address) => address !== '');
  if (addresses.length > 0) return [...new Set(addresses)];
  throw new Undetermined(`${from} and ${to} share no network on which ${from} has an address`);
}

const usualPorts: Readonly<Partial<Record<Service, number>>> = { database: 5432, cache: 6379 };

/** At which the service answers others: the usual one, else the lowest. */
export function portOf(pid: number, service: Service): number {
  const ports = listeningPorts(pid);
  const usual = usualPorts[service];
  const port = usual !== undefined && ports.includes(usual) ? usual : ports[0];
  if (port === undefined) throw new Undetermined(`${service} listens at no port that other services reach`);
  return port;
}
