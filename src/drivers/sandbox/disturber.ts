import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { availableMemory } from '../../adapters/available-memory.ts';
import type {
  Disturbance,
  Disturber,
  HelperStart,
  Helpers,
  Possibility,
} from '../../lifecycle/disturbance.ts';
import type { Service } from '../../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { links } from '../../sandbox/backend/link.ts';
import { requireRunning } from '../../sandbox/control-client.ts';
import {
  disturbanceTakesEffectAfter,
  removeDisturbance,
  storeDisturbance,
  storedDisturbances,
} from '../../sandbox/disturbances.ts';
import { locateSandbox } from '../../sandbox/folder.ts';
import type { PartStatus } from '../../sandbox/supervised-process.ts';

export const sandboxServices: readonly Service[] = ['backend', 'database', 'cache', 'edge', 'worker'];

export interface SandboxDisturberOptions {
  readonly stateFolder: string;
  readonly helpers: Helpers;
  readonly parts: (service?: Service, signal?: AbortSignal) => Promise<readonly PartStatus[]>;
}

type Asked = Parameters<Disturber['possibility']>[0];

const mebibyte = 2 ** 20;
const memoryBudget = 512 * mebibyte;

/**
 * The sandbox's own processes disturb themselves when a file in its folder says so, until it is gone or its time is
 * over; what takes processor time or memory is a helper process beside them.
 */
export function sandboxDisturber({ stateFolder, helpers, parts }: SandboxDisturberOptions): Disturber {
  const folder = () => locateSandbox(stateFolder).folder;
  const isStored = (id: string, disturbance: Disturbance) =>
    storedDisturbances(folder()).some((one) => one.id === id && isSamePlace(one.disturbance, disturbance));
  return {
    async possibility(asked) {
      const why = impossibleAnywhere(asked);
      if (why !== undefined) return { possible: false, why };
      try {
        return await possibilityHere(asked, await parts());
      } catch (error) {
        if (!(error instanceof Undetermined)) throw error;
        return { possible: false, why: messageOf(error) };
      }
    },
    async disturb({ id, disturbance, lifeSeconds }, signal) {
      const why = impossibleAnywhere(disturbance);
      if (why !== undefined) throw new Undetermined(`the sandbox cannot be disturbed so: ${why}`);
      requireRunning(stateFolder);
      const helper = helperFor(disturbance);
      if (helper !== undefined)
        return helpers.start({ ...helper, mark: markOf(id, disturbance), lifeSeconds }, signal);
      const until = new Date(Date.now() + lifeSeconds * 1_000).toISOString();
      storeDisturbance(folder(), { id, disturbance, until });
      await sleep(disturbanceTakesEffectAfter, undefined, { signal });
    },
    async calm({ id, disturbance }, signal) {
      if (helperFor(disturbance) !== undefined) return helpers.end(markOf(id, disturbance));
      if (!removeDisturbance(folder(), id)) return;
      await sleep(disturbanceTakesEffectAfter, undefined, { signal });
    },
    isDisturbed: async ({ id, disturbance }) =>
      helperFor(disturbance) === undefined
        ? isStored(id, disturbance)
        : helpers.find(markOf(id, disturbance)).length > 0,
  };
}

/** However strong it is: who looks for what is left does not know that. */
function isSamePlace(one: Disturbance, other: Disturbance): boolean {
  return isDeepStrictEqual([one.kind, servicesOf(one)], [other.kind, servicesOf(other)]);
}

function markOf(id: string, disturbance: Disturbance): string {
  return `${id}@${servicesOf(disturbance).join()}`;
}

export function noWorkers(service: Service): string {
  return `the sandbox's ${service} has no worker processes, only its backend has`;
}

/** Why the sandbox cannot do it, whatever its state. */
function impossibleAnywhere(asked: Asked): string | undefined {
  switch (asked.kind) {
    case 'network-cut':
    case 'network-loss':
    case 'network-delay': {
      const link = `${asked.from} -> ${asked.to}`;
      return links.includes(link) ? undefined : `the sandbox disturbs ${links.join(', ')}, not ${link}`;
    }
    case 'disk':
      return "the sandbox's services write to the disk of this machine, which is never filled";
    case 'vendor':
      return undefined;
    default:
      if (!sandboxServices.includes(asked.service)) return `the sandbox has no service "${asked.service}"`;
      return asked.kind === 'worker-kill' && asked.service !== 'backend'
        ? noWorkers(asked.service)
        : undefined;
  }
}

async function possibilityHere(asked: Asked, parts: readonly PartStatus[]): Promise<Possibility> {
  const involved = servicesOf(asked);
  const stopped = parts.find(({ service, pid }) => involved.includes(service) && pid === undefined);
  if (stopped !== undefined) return { possible: false, why: `${stopped.id} does not run` };
  return { possible: true, how: howOf(asked) };
}

function servicesOf(asked: Asked): Service[] {
  if (asked.kind === 'vendor') return ['worker'];
  return 'from' in asked ? [asked.from, asked.to] : [asked.service];
}

function howOf(asked: Asked): string {
  switch (asked.kind) {
    case 'pause':
      return `SIGSTOP to the processes of ${asked.service}, by their supervisor`;
    case 'worker-kill':
      return `SIGKILL to one worker process of ${asked.service}`;
    case 'cpu':
      return `${asked.cores} busy threads beside the sandbox, on a machine of ${availableParallelism()} cores`;
    case 'memory':
      return `a process that holds ${mebibytesFor(asked.share)} MiB: the sandbox has no limit of its own, so the share is of 512 MiB, or of a quarter of what is available if that is less`;
    case 'vendor':
      return 'the mail vendor of the sandbox answers so';
    default:
      return `the connections of ${'from' in asked ? asked.from : asked.service} obey it themselves, the open ones too`;
  }
}

function helperFor(disturbance: Disturbance): Pick<HelperStart, 'name' | 'options'> | undefined {
  switch (disturbance.kind) {
    case 'cpu':
      return { name: 'burn-cpu', options: { cores: String(disturbance.cores) } };
    case 'memory':
      return { name: 'hold-memory', options: { mebibytes: String(mebibytesFor(disturbance.share)) } };
    default:
      return undefined;
  }
}

function mebibytesFor(share: number): number {
  const budget = Math.min(memoryBudget, availableMemory() / 4);
  return Math.floor((share * budget) / mebibyte);
}
