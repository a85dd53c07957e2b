import { pidHere, unlessEnded } from '../../adapters/docker/on-this-machine.ts';
import { emptyMount, fillMount, isFilled, largestMount, memoryMountsOf } from '../../adapters/mounts.ts';
import { hasOwnNetwork, networkNamespaceOf } from '../../adapters/network-namespace.ts';
import { networkRules } from '../../adapters/network-rules.ts';
import type {
  Ability,
  Disturbance,
  Disturber,
  Helpers,
  Possibility,
  Service,
} from '../../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';
import { chainOf, isBetweenServices, linkRules, type NetworkDisturbance, portOf } from './links.ts';

export interface ComposeDisturberOptions {
  readonly instances: (signal?: AbortSignal) => Promise<readonly ContainerInstance[]>;
  readonly helpers: Helpers;
}

/** An instance whose processes are processes of this machine. */
interface LocalInstance {
  readonly instance: ContainerInstance;
  readonly pid: number;
}

/**
 * Disturbances from the machine of the engine: by packet rules in a container's network, by processes in its control
 * groups, by a file in its memory mounts. The container needs no tool, and its configuration stays as it is.
 */
export function composeDisturber({ instances, helpers }: ComposeDisturberOptions): Disturber {
  const rules = networkRules();

  const of = async (service: Service, signal?: AbortSignal): Promise<ContainerInstance[]> => {
    const own = (await instances(signal)).filter((instance) => instance.service === service);
    if (own.length === 0) throw new Undetermined(`there is no container of ${service}`);
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

/** It may end, or be taken away, at any moment: then it is that, and not what failed for it, that has to be told. */
async function unlessItEnds<Result>(
  { id, container }: ContainerInstance,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (pidHere(container) !== undefined) throw error;
    const name = container.Name.slice(1);
    throw new Undetermined(`${id} ended, or was taken away, while it was to be disturbed`, {
      hint: `docker ps --all --filter name=${name}; docker events --since 10m --filter container=${name}`,
      cause: error,
    });
  }
}

function requireOwnNetwork({ instance: { id }, pid }: LocalInstance): void {
  if (hasOwnNetwork(pid)) return;
  throw new Undetermined(
    `${id} has no network of its own (network_mode: host?): packet rules there would hit all of this machine`,
  );
}

/** Bytes that it may use. */
function memoryOf({ service, container }: ContainerInstance): number {
  const { Memory } = container.HostConfig;
  if (Memory > 0) return Memory;
  throw new Undetermined(
    `${service} has no memory limit, so that it would take this machine's memory (mem_limit in the compose file)`,
  );
}

function markOf(id: string, { id: instance }: ContainerInstance): string {
  return `${id}@${instance}`;
}

function fileOf(id: string): string {
  return `.examctl-${id}`;
}

function mountOf(pid: number, path: string) {
  const mounts = memoryMountsOf(pid).filter(({ bytes }) => bytes <= largestMount);
  const mount = path === '' ? mounts[0] : mounts.find((candidate) => candidate.path === path);
  if (mount !== undefined) return mount;
  const known = mounts.map((candidate) => candidate.path).join(', ') || 'none';
  throw new Undetermined(
    `there is no tmpfs${path === '' ? '' : ` at ${path}`} that may be filled: it has ${known}`,
  );
}

const noVendor =
  'what the platform calls outside is not part of its compose file: examctl cannot answer in its place';

interface Looking {
  readonly running: (service: Service) => Promise<LocalInstance[]>;
  readonly of: (service: Service) => Promise<ContainerInstance[]>;
  readonly all: () => Promise<readonly ContainerInstance[]>;
  readonly rules: ReturnType<typeof networkRules>;
}

async function possibilityOf(disturbance: Ability, looking: Looking): Promise<Possibility> {
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
