import { createHash } from 'node:crypto';
import { hasEnded, pidHere } from '../../adapters/docker/on-this-machine.ts';
import { readText } from '../../adapters/files.ts';
import { hasOwnNetwork } from '../../adapters/network-namespace.ts';
import { networkRules } from '../../adapters/network-rules.ts';
import type { Snapshot } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { ContainerInstance } from './instances.ts';

export interface ComposeSnapshotOptions {
  readonly instances: readonly ContainerInstance[];
  /** env files that examctl may write, and the project's own */
  readonly files: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** All that a fault may touch. Secrets are in it as digests only. */
export async function composeSnapshot({
  instances,
  files,
  signal,
}: ComposeSnapshotOptions): Promise<Snapshot> {
  const pids = instances.map(({ container }) => pidHere(container)).filter((pid) => pid !== undefined);
  const networks = await networkRules().read(isRoot() ? pids.filter(hasOwnNetwork) : [], signal);
  const ofContainers = instances.map((instance) => {
    const { id, container } = instance;
    const network = networks.get(pidHere(container) ?? 0);
    if (network instanceof Undetermined && !hasEnded(container)) throw network;
    return [
      [`${id} state`, stateOf(instance)],
      [`${id} container`, `${container.Id.slice(0, 12)} of image ${container.Image.slice(0, 19)}`],
      [`${id} configuration`, digest(JSON.stringify(configurationOf(instance), withoutNothing))],
      ...(typeof network === 'string' ? [[`${id} network rules`, network]] : []),
    ];
  });
  const ofFiles = files.map((file) => [`file ${file}`, digest(readText(file) ?? 'there is none')]);
  return Object.fromEntries([...ofContainers.flat(), ...ofFiles]) as Snapshot;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function stateOf({ container: { State } }: ContainerInstance): string {
  return State.Health === undefined ? State.Status : `${State.Status}, ${State.Health.Status}`;
}

/** Addresses are not in it: the engine gives them anew at each start, unless the compose file fixes them. */
function configurationOf({ container: { Config, HostConfig, NetworkSettings } }: ContainerInstance): unknown {
  const networks = Object.entries(NetworkSettings.Networks).map(([name, { NetworkID, Aliases }]) => [
    name,
    NetworkID,
    [...(Aliases ?? [])].sort(),
  ]);
  return { Config, HostConfig, networks: networks.sort() };
}

/** For JSON.stringify: what is null becomes an empty list when the engine itself is started anew, and means the same. */
function withoutNothing(_: string, value: unknown): unknown {
  const isNothing = value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  return isNothing ? undefined : value;
}

function digest(text: string): string {
  return `sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
