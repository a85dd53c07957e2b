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

/** From one source to the target, on a network that both share. */
export interface Way {
  readonly source: ContainerInstance;
  readonly from: string;
  readonly to: string;
}

interface LinkRules {
  readonly rules: RuleSet;
  /** of those that are disturbed */
  readonly addresses: readonly string[];
  /** packets from these places have to meet the rules */
  readonly ways: readonly Way[];
  /** what must listen at `port` in the target's network before the rules are set */
  readonly relay: { readonly port: number; readonly to: number; readonly milliseconds: number } | null;
}

/** What makes the disturbance, in the network of its target: it alone knows both what comes and what goes. */
export function linkRules(disturbance: NetworkDisturbance, link: Link): LinkRules {
  const chain = chainOf(link.id);
  const ways = waysOf(link);
  const addresses = [...new Set(ways.map(({ from }) => from))];
  const both = (rule: Rule) =>
    addresses.flatMap((address) => [
      ['--source', address, ...rule],
      ['--destination', address, ...rule],
    ]);
  switch (disturbance.kind) {
    case 'network-cut':
      return { rules: { chain, filter: both(['--jump', 'DROP']), nat: [] }, addresses, ways, relay: null };
    case 'network-loss': {
      const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(disturbance.share)];
      // without a target, a rule counts what it meets: the others only count what they drop
      const counting = addresses.map((address) => ['--source', address]);
      const filter = [...counting, ...both([...random, '--jump', 'DROP'])];
      return { rules: { chain, filter, nat: [] }, addresses, ways, relay: null };
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
        ways,
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

function waysOf({ sources, target }: Link): Way[] {
  const targetOn = new Map(
    Object.values(target.container.NetworkSettings.Networks).map((network) => [network.NetworkID, network]),
  );
  const shared = sources.flatMap((source) =>
    Object.values(source.container.NetworkSettings.Networks).flatMap((network) => {
      const other = targetOn.get(network.NetworkID);
      return other === undefined ? [] : [{ source, network, to: other.IPAddress }];
    }),
  );
  const [from, to] = [sources[0]?.service, target.service];
  // these rules are of IPv4: what goes the other way would pass, and the fault would show nothing
  if (shared.some(({ network: { GlobalIPv6Address = '' } }) => GlobalIPv6Address !== ''))
    throw new Undetermined(`${from} and ${to} also reach each other by IPv6, which packet rules leave alone`);
  const ways = shared
    .map(({ source, network, to: address }) => ({ source, from: network.IPAddress, to: address }))
    .filter((way) => way.from !== '');
  if (ways.length > 0) return ways;
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
