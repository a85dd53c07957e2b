import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where runs, the audit log and the sandbox are kept: --state, else EXAMCTL_STATE, else the platform's place. */
export function stateFolder(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given ?? env.EXAMCTL_STATE) return given ?? env.EXAMCTL_STATE ?? '';
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'examctl');
  return join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'examctl');
}

/** What can be fetched again: Redis and k6 where no package manager installed them. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'examctl');
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'examctl');
}
