import { expect, it } from 'vitest';
import type { ContainerInstance } from '../../src/drivers/compose/instances.ts';
import { chainOf, linkRules, type NetworkDisturbance } from '../../src/drivers/compose/links.ts';
import type { Service } from '../../src/lifecycle/environment.ts';

type Networks = ContainerInstance['container']['NetworkSettings']['Networks'];

const on = (network: string, address: string, six = '') => ({
  [network]: { IPAddress: address, NetworkID: network, GlobalIPv6Address: six },
});
const instance = (service: Service, Networks: Networks) =>
  ({ service, container: { NetworkSettings: { Networks } } }) as ContainerInstance;
const cut: NetworkDisturbance = { kind: 'network-cut', from: 'backend', to: 'cache' };
const rulesFor = (what: NetworkDisturbance, sources: readonly Networks[], target: Networks) =>
  linkRules(what, {
    id: 'network-cut',
    pid: process.pid,
    sources: sources.map((networks) => instance('backend', networks)),
    target: instance('cache', target),
  });

it('a cut drops what comes from each source and what goes to it, and nothing of others', () => {
  const sources = [on('inner', '10.0.0.2'), { ...on('inner', '10.0.0.3'), ...on('outer', '10.9.0.3') }];
  const { rules, addresses, ways, relay } = rulesFor(cut, sources, on('inner', '10.0.0.9'));
  expect(relay).toBeNull();
  expect(addresses).toEqual(['10.0.0.2', '10.0.0.3']);
  expect(ways.map(({ from, to }) => [from, to])).toEqual([
    ['10.0.0.2', '10.0.0.9'],
    ['10.0.0.3', '10.0.0.9'],
  ]);
  expect(rules.nat).toEqual([]);
  expect(rules.filter.map((rule) => rule.join(' '))).toEqual([
    '--source 10.0.0.2 --jump DROP',
    '--destination 10.0.0.2 --jump DROP',
    '--source 10.0.0.3 --jump DROP',
    '--destination 10.0.0.3 --jump DROP',
  ]);
});

it('a loss drops its share of the packets, and counts all of them', () => {
  const loss: NetworkDisturbance = { ...cut, kind: 'network-loss', share: 0.25 };
  const { rules } = rulesFor(loss, [on('inner', '10.0.0.2')], on('inner', '10.0.0.9'));
  expect(rules.filter.map((rule) => rule.join(' '))).toEqual([
    '--source 10.0.0.2',
    '--source 10.0.0.2 -m statistic --mode random --probability 0.25 --jump DROP',
    '--destination 10.0.0.2 -m statistic --mode random --probability 0.25 --jump DROP',
  ]);
});

it.each<[string, Networks, string]>([
  ['share no network', on('outer', '10.9.0.2'), 'share no network'],
  ['share one without an address, as one that does not run', on('inner', ''), 'has an address'],
  ['have the network of the machine', { host: { IPAddress: '', NetworkID: 'host' } }, 'share no network'],
  ['also reach each other by IPv6', on('inner', '10.0.0.2', 'fd00::2'), 'by IPv6'],
])('two that %s are told apart from two that can be cut off', (_, source, message) => {
  expect(() => rulesFor(cut, [source], on('inner', '10.0.0.9'))).toThrow(message);
});

it('a chain has a name that iptables takes, and another one for each fault', () => {
  const names = ['network-cut', 'network-loss', `${'long '.repeat(50)}`].map(chainOf);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^EXAMCTL-[0-9a-f]{1,20}$/);
});
