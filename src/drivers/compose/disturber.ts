import { pidHere, unlessEnded } from '../../adapters/docker/on-this-machine.ts';
import { emptyMount, fillMount, isFilled, memoryMountsOf } from '../../adapters/mounts.ts';
import { hasOwnNetwork, knockFrom } from '../../adapters/network-namespace.ts';
import { networkRules } from '../../adapters/network-rules.ts';
import type { Disturbance, Disturber, Helpers } from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';
import { chainOf, isBetweenServices, linkRules, type NetworkDisturbance, type Way } from './links.ts';
import { type LocalInstance, memoryOf, mountOf, requireOwnNetwork, unlessItEnds } from './local-instances.ts';
import { noVendor, possibilityOf } from './possibility.ts';

export interface ComposeDisturberOptions {
  readonly instances: (signal?: AbortSignal) => Promise<readonly ContainerInstance[]>;
  readonly helpers: Helpers;
}

/**
 * Disturbances from the machine of the engine: by packet rules in a container's network, by processes in its control
 * groups, by a file in its memory mounts. The container needs no tool, and its configuration stays as it is.
 */
export function composeDisturber({ instances, helpers }: ComposeDisturberOptions): Disturber {
  const rules = networkRules();

  const of = async (service: Service, signal?: AbortSignal): Promise<ContainerInstance[]> => {
    const own = (await instances(signal)).filter((instance) => instance.service === service);
    if (own.length === 0) {
      throw new Undetermined(`there is no container of ${service}`, {
        hint: 'where it was removed: docker compose up --detach makes it anew',
      });
    }
    return own;
  };
  /** what does not run has no network and no processes that could be disturbed, and nothing to undo */
  const running = async (service: Service, signal?: AbortSignal): Promise<LocalInstance[]> =>
    (await of(service, signal)).flatMap((instance) => {
      const pid = pidHere(instance.container);
      return pid === undefined ? [] : [{ instance, pid }];
    });

  const setLink = async (what: NetworkDisturbance, id: string, lifeSeconds: number, signal: AbortSignal) => {
    const from = await of(what.from, signal);
    const targets = await running(what.to, signal);
    targets.forEach(requireOwnNetwork);
    for (const { instance, pid } of targets) {
      const link = linkRules(what, { id, pid, sources: from, target: instance });
      const { relay } = link;
      await unlessItEnds(instance, signal, async () => {
        if (relay !== null) {
          const options = {
            port: `${relay.port}`,
            to: `${relay.to}`,
            milliseconds: `${relay.milliseconds}`,
            like: `${pid}`,
          };
          await helpers.start(
            { mark: markOf(id, instance), name: 'delay-relay', options, lifeSeconds, networkOf: pid },
            signal,
          );
        }
        await rules.set(pid, link.rules, signal);
      });
      if (relay !== null) await rules.resetConnections(pid, relay.to, link.addresses);
      await requireMeeting(link.ways, { instance, pid, chain: link.rules.chain, port: relay?.to ?? anyPort });
    }

    /** Where addresses are translated on the way, rules stand, and hold nothing back. */
    async function requireMeeting(ways: readonly Way[], target: RuledInstance): Promise<void> {
      const { instance, pid, chain, port } = target;
      const met = await unlessItEnds(instance, signal, async () => {
        await Promise.all(
          ways.map(async ({ source, to }) => {
            const sender = pidHere(source.container);
            if (sender !== undefined) await knockFrom(sender, { address: to, port }, signal);
          }),
        );
        return rules.met(pid, chain, signal);
      });
      for (const { source, from } of ways) {
        if (pidHere(source.container) === undefined || (met.get(from) ?? 0) > 0) continue;
        throw new Undetermined(
          `packet rules at ${instance.id} meet nothing that comes from ${from} (${source.id}): it would show nothing`,
          {
            hint: 'its address is translated on the way (iptables -t nat -S POSTROUTING), or nothing passes between the two as it is',
          },
        );
      }
    }
  };

  const stress = async (
    disturbance: Extract<Disturbance, { kind: 'cpu' | 'memory' }>,
    id: string,
    lifeSeconds: number,
    signal: AbortSignal,
  ) => {
    for (const { instance, pid } of await running(disturbance.service, signal)) {
      const [name, amount] =
        disturbance.kind === 'cpu'
          ? ['burn-cpu', { cores: `${disturbance.cores}` }]
          : [
              'hold-memory',
              { mebibytes: `${Math.round((disturbance.share * memoryOf(instance)) / 1_048_576)}` },
            ];
      const mark = markOf(id, instance);
      await unlessItEnds(instance, signal, () =>
        helpers.start({ mark, name, options: { ...amount, like: `${pid}` }, lifeSeconds }, signal),
      );
    }
  };

  const fill = async (
    { service, path }: Extract<Disturbance, { kind: 'disk' }>,
    id: string,
    signal: AbortSignal,
  ) => {
    for (const { instance, pid } of await running(service, signal))
      await unlessItEnds(instance, signal, async () =>
        fillMount(pid, mountOf(pid, path), fileOf(id), signal),
      );
  };

  /** With those that are down: their helpers, if any, are processes of this machine. */
  const hitBy = async (disturbance: Exclude<Disturbance, { kind: 'vendor' }>, signal?: AbortSignal) => {
    const service = isBetweenServices(disturbance) ? disturbance.to : disturbance.service;
    return (await of(service, signal)).map((instance) => ({ instance, pid: pidHere(instance.container) }));
  };

  return {
    possibility: (disturbance) => possibilityOf(disturbance, { running, of, all: instances, rules }),

    async disturb({ id, disturbance, lifeSeconds }, signal) {
      if (isBetweenServices(disturbance)) return setLink(disturbance, id, lifeSeconds, signal);
      switch (disturbance.kind) {
        case 'cpu':
        case 'memory':
          return stress(disturbance, id, lifeSeconds, signal);
        case 'disk':
          return fill(disturbance, id, signal);
        case 'vendor':
          throw new Undetermined(noVendor);
      }
    },

    async calm({ id, disturbance }, signal) {
      if (disturbance.kind === 'vendor') return;
      for (const { instance, pid } of await hitBy(disturbance, signal)) {
        const calmed = async () => {
          if (pid === undefined) return;
          if (isBetweenServices(disturbance) && hasOwnNetwork(pid))
            await rules.clear(pid, chainOf(id), signal);
          if (disturbance.kind === 'disk')
            for (const mount of memoryMountsOf(pid)) emptyMount(pid, mount, fileOf(id));
        };
        // what has ended took its network and its mounts with it
        await unlessEnded(instance.container, calmed(), undefined);
        await helpers.end(markOf(id, instance));
      }
    },

    async isDisturbed({ id, disturbance }) {
      if (disturbance.kind === 'vendor') return false;
      for (const { instance, pid } of await hitBy(disturbance)) {
        if (helpers.find(markOf(id, instance)).length > 0) return true;
        if (pid === undefined) continue;
        const found = async () => {
          if (isBetweenServices(disturbance)) return hasOwnNetwork(pid) && rules.has(pid, chainOf(id));
          return (
            disturbance.kind === 'disk' &&
            memoryMountsOf(pid).some((mount) => isFilled(pid, mount, fileOf(id)))
          );
        };
        if (await unlessEnded(instance.container, found(), false)) return true;
      }
      return false;
    },
  };
}

interface RuledInstance extends LocalInstance {
  readonly chain: string;
  readonly port: number;
}

/** rules that leave no port out are met at each; this one (discard) is rarely listened at */
const anyPort = 9;

function markOf(id: string, { id: instance }: ContainerInstance): string {
  return `${id}@${instance}`;
}

function fileOf(id: string): string {
  return `.examctl-${id}`;
}
