import { readJson } from '../adapters/files.ts';
import type { ProcessIdentity } from '../adapters/processes.ts';
import type { Service } from '../lifecycle/environment.ts';
import type { Account } from './account.ts';
import type { PostgresBinaries } from './postgres.ts';
import type { RedisBinary } from './redis.ts';
import type { PartStatus } from './supervised-process.ts';

/** What the supervisor is told to run; config.json has the rest. */
export interface SupervisorPlan {
  /** how examctl itself is started: node, its flags, the script */
  readonly program: readonly string[];
  readonly account: Account | undefined;
  readonly postgres: PostgresBinaries;
  readonly redis: RedisBinary;
  readonly redisConfigFile: string;
  readonly socket: string;
}

/** Written by the supervisor at each change, so that its processes can be found when it is killed. */
export interface SupervisorState {
  readonly supervisor: ProcessIdentity;
  /** ISO 8601 */
  readonly startedAt: string;
  readonly socket: string;
  readonly parts: readonly (ProcessIdentity & { readonly id: string; readonly service: Service })[];
}

/** The answer to GET /status. */
export interface SupervisorStatus {
  readonly pid: number;
  readonly startedAt: string;
  readonly parts: readonly PartStatus[];
}

export function readSupervisorState(file: string): SupervisorState | undefined {
  return readJson<SupervisorState>(file);
}
