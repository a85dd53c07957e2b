import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../adapters/files.ts';
import { endProcess, identify, isAlive, type ProcessIdentity } from '../adapters/processes.ts';

interface Ownership {
  readonly owner: ProcessIdentity | undefined;
  readonly servers: readonly ProcessIdentity[];
}

export interface OwnedServers {
  add(pid: number | undefined): void;
  /** when they have ended and the folder is to stay */
  forget(): void;
  /** ends them and removes the folder */
  remove(): Promise<void>;
}

const fileName = 'owned.json';

/** Servers that this process started for itself in a temporary folder, on record in case it is killed. */
export function ownServers(folder: string): OwnedServers {
  const servers: ProcessIdentity[] = [];
  const record = () =>
    writeJson(join(folder, fileName), { owner: identify(process.pid), servers } satisfies Ownership);
  record();
  return {
    add: (pid) => {
      const identity = pid === undefined ? undefined : identify(pid);
      if (identity !== undefined) servers.push(identity);
      record();
    },
    forget: () => rmSync(join(folder, fileName)),
    remove: () => endAndRemove(folder, servers),
  };
}

/** Ends and removes what processes that were killed left in folders of this name. */
export async function removeAbandoned(parent: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of readdirSync(parent).filter(isOurs)) {
    const folder = join(parent, name);
    const ownership = readJson<Ownership>(join(folder, fileName));
    if (ownership?.owner === undefined || isAlive(ownership.owner)) continue;
    await endAndRemove(folder, ownership.servers);
  }
}

async function endAndRemove(folder: string, servers: readonly ProcessIdentity[]): Promise<void> {
  await Promise.all(servers.map((server) => endProcess(server, ['SIGINT', 'SIGQUIT'])));
  rmSync(folder, { recursive: true, force: true });
}
