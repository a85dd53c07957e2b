import { pidHere } from '../../adapters/docker/on-this-machine.ts';
import { emptyMount, fillMount, isFilled, largestMount, memoryMountsOf } from '../../adapters/mounts.ts';
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
    for (const { instance, pid } of await running(what.to, signal)) {
      const link = linkRules(what, { id, pid, sources: from, target: instance });
      const { relay } = link;
      if (relay !== null) {
        await helpers.start(
          {
            mark: markOf(id, instance),
            name: 'delay-relay',
            options: { port: `${relay.port}`, to: `${relay.to}`, milliseconds: `${relay.milliseconds}` },
            lifeSeconds,
            networkOf: pid,
          },
          signal,
        );
      }
      await rules.set(pid, link.rules, signal);
      if (relay !== null) await rules.resetConnections(pid, relay.to, link.addresses);
    }
  };

  const stress = async (
    { kind, service, ...amount }: Extract<Disturbance, { kind: 'cpu' | 'memory' }>,
    id: string,
    lifeSeconds: number,
    signal: AbortSignal,
  ) => {
    for (const { instance, pid } of await running(service, signal)) {
      const limit = instance.container.HostConfig.Memory;
      const share = 'share' in amount ? amount.share : 0;
      const options =
        'cores' in amount
          ? { cores: `${amount.cores}` }
          : { mebibytes: `${Math.round((share * limit) / 1_048_576)}` };
      const name = kind === 'cpu' ? 'burn-cpu' : 'hold-memory';
      const mark = markOf(id, instance);
      await helpers.start({ mark, name, options: { ...options, like: `${pid}` }, lifeSeconds }, signal);
    }
  };

  return {
    possibility: (disturbance) => possibilityOf(disturbance, { running, of, rules }),

    async disturb({ id, disturbance, lifeSeconds }, signal) {
      if (isBetweenServices(disturbance)) return setLink(disturbance, id, lifeSeconds, signal);
      switch (disturbance.kind) {
        case 'cpu':
        case 'memory':
          return stress(disturbance, id, lifeSeconds, signal);
        case 'disk':
          for (const { pid } of await running(disturbance.service, signal))
            fillMount(pid, mountOf(pid, disturbance.path), fileOf(id), signal);
          return;
        case 'vendor':
          throw new Undetermined(noVendor);
      }
    },

    async calm({ id, disturbance }, signal) {
      if (disturbance.kind === 'vendor') return;
      const service = isBetweenServices(disturbance) ? disturbance.to : disturbance.service;
      for (const instance of await of(service, signal)) {
        const pid = pidHere(instance.container);
        if (isBetweenServices(disturbance)) {
          if (pid !== undefined) await rules.clear(pid, chainOf(id), signal);
          await helpers.end(markOf(id, instance));
        } else if (disturbance.kind === 'disk') {
          if (pid !== undefined)
            for (const { path } of memoryMountsOf(pid)) emptyMount(pid, path, fileOf(id));
        } else {
          await helpers.end(markOf(id, instance));
        }
      }
    },

    async isDisturbed({ id, disturbance }) {
      if (disturbance.kind === 'vendor') return false;
      const service = isBetweenServices(disturbance) ? disturbance.to : disturbance.service;
      for (const instance of await of(service)) {
        const pid = pidHere(instance.container);
        if (helpers.find(markOf(id, instance)).length > 0) return true;
        if (pid === undefined) continue;
        if (isBetweenServices(disturbance) && (await rules.has(pid, chainOf(id)))) return true;
        if (
          disturbance.kind === 'disk' &&
          memoryMountsOf(pid).some(({ path }) => isFilled(pid, path, fileOf(id)))
        )
          return true;
      }
      return false;
    },
  };
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
async function howOf(disturbance: Ability, { running, of, rules }: Looking): Promise<string> {
  if (disturbance.kind === 'pause') {
    await of(disturbance.service);
    return 'the engine freezes its containers';
  }
  if (disturbance.kind === 'vendor') throw new Undetermined(noVendor);
  const service = 'to' in disturbance ? disturbance.to : disturbance.service;
  if ('from' in disturbance) await of(disturbance.from);
  await of(service);
  const [target] = await running(service);
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
      const { pid, instance } = target;
      const sources = await of(disturbance.from);
      const link = linkRules(disturbance, { id: 'probe', pid, sources, target: instance });
      for (const table of ['filter', 'nat'] as const) {
        const problem = await rules.problemWith(link.rules[table], table);
        if (problem !== null) throw new Undetermined(`iptables cannot do it here: ${problem}`);
      }
      return link.relay === null
        ? `packet rules in the network of ${service}`
        : `a relay in the network of ${service}, port ${portOf(pid, service)}; open connections are reset at its begin and end`;
    }
    case 'cpu':
      return `a process beside ${service}, within its limits`;
    case 'memory':
      if (target.instance.container.HostConfig.Memory > 0)
        return `a process beside ${service}, within its limits`;
      throw new Undetermined(
        `${service} has no memory limit, so that it would take this machine's memory (mem_limit in the compose file)`,
      );
    case 'disk':
      return `a file that fills ${mountOf(target.pid, disturbance.path).path} of ${service}`;
  }
}
