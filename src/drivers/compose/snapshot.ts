import { createHash } from 'node:crypto';
import { pidHere, unlessEnded } from '../../adapters/docker/on-this-machine.ts';
import { readText } from '../../adapters/files.ts';
import { hasOwnNetwork } from '../../adapters/network-namespace.ts';
import { networkRules } from '../../adapters/network-rules.ts';
import type { Snapshot } from '../../lifecycle/environment.ts';
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
  const rules = networkRules();
  const ofContainers = await Promise.all(
    instances.map(async (instance) => {
      const { id, container } = instance;
      const pid = pidHere(container);
      const network =
        pid === undefined || !isRoot() || !hasOwnNetwork(pid)
          ? undefined
          : await unlessEnded(container, rules.read(pid, signal), undefined);
      return [
        [`${id} state`, stateOf(instance)],
        [`${id} container`, `${container.Id.slice(0, 12)} of image ${container.Image.slice(0, 19)}`],
        [`${id} configuration`, digest(JSON.stringify(configurationOf(instance), withoutNothing))],
        ...(network === undefined ? [] : [[`${id} network rules`, network]]),
      ];
    }),
  );
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
