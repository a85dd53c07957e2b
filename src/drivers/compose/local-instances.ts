import { hasEnded } from '../../adapters/docker/on-this-machine.ts';
import { largestMount, memoryMountsOf } from '../../adapters/mounts.ts';
import { hasOwnNetwork } from '../../adapters/network-namespace.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

/** An instance whose processes are processes of this machine. */
export interface LocalInstance {
  readonly instance: ContainerInstance;
  readonly pid: number;
}

/** It may end, or be taken away, at any moment: then it is that, and not what failed for it, that has to be told. */
export async function unlessItEnds<Result>(
  { id, container }: ContainerInstance,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!hasEnded(container)) throw error;
    const name = container.Name.slice(1);
    throw new Undetermined(`${id} ended, or was taken away, while it was to be disturbed`, {
      hint: `docker ps --all --filter name=${name}; docker events --since 10m --filter container=${name}`,
      cause: error,
    });
  }
}

export function requireOwnNetwork({ instance: { id }, pid }: LocalInstance): void {
  if (hasOwnNetwork(pid)) return;
  throw new Undetermined(
    `${id} has no network of its own (network_mode: host?): packet rules there would hit all of this machine`,
  );
}

/** Bytes that it may use. */
export function memoryOf({ service, container }: ContainerInstance): number {
  const { Memory } = container.HostConfig;
  if (Memory > 0) return Memory;
  throw new Undetermined(
    `${service} has no memory limit, so that it would take this machine's memory (mem_limit in the compose file)`,
  );
}

export function mountOf(pid: number, path: string) {
  const mounts = memoryMountsOf(pid).filter(({ bytes }) => bytes <= largestMount);
  const mount = path === '' ? mounts[0] : mounts.find((candidate) => candidate.path === path);
  if (mount !== undefined) return mount;
  const known = mounts.map((candidate) => candidate.path).join(', ') || 'none';
  throw new Undetermined(
    `there is no tmpfs${path === '' ? '' : ` at ${path}`} that may be filled: it has ${known}`,
  );
}
