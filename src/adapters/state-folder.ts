import { join, resolve } from 'node:path';
import { homeFolder } from './account.ts';

/**
 * Where runs, the audit log and the sandbox are kept: --state, else EXAMCTL_STATE, else the platform's place.
 * Absolute, as processes with other working folders use it; a variable that is set to nothing counts as unset.
 */
export function stateFolder(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const chosen = given || env.EXAMCTL_STATE;
  if (chosen) return resolve(chosen);
  if (process.platform === 'darwin') return join(homeFolder(), 'Library', 'Application Support', 'examctl');
  return join(resolve(env.XDG_STATE_HOME || join(homeFolder(), '.local', 'state')), 'examctl');
}

/** What can be fetched again: Redis and k6 where no package manager installed them. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(homeFolder(), 'Library', 'Caches', 'examctl');
  return join(resolve(env.XDG_CACHE_HOME || join(homeFolder(), '.cache')), 'examctl');
}
