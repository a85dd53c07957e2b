import { readJson } from '../adapters/files.ts';
import { Undetermined } from '../lifecycle/errors.ts';

export interface Hosts {
  /** address on which the backend and the edge listen */
  readonly listen: string;
  /** where the edge finds the backend */
  readonly backend: string;
}

/** What the sandbox's processes need to know; written by the supervisor into its folder, mode 0600. */
export interface SandboxConfig {
  /** absolute; holds everything of the sandbox: config.json, state.json, defects.json, logs/, postgres/, redis/ */
  readonly folder: string;
  /** postgres://exam_user:...@127.0.0.1:PORT/exam_platform */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly ports: {
    readonly database: number;
    readonly cache: number;
    readonly edge: number;
    /** one for each backend worker process: backend-1, backend-2, ...; the same where they share one */
    readonly backend: readonly number[];
  };
  /** of parts that run in containers of their own; default: all of them on this machine */
  readonly hosts?: Hosts;
  /** "/v1" */
  readonly basePath: string;
  readonly jwtSigningKey: string;
  /** status of a blocked operation in exam mode: the real 423 or the planning documents' 403 */
  readonly examModeStatus: 423 | 403;
  /** body and log formats of the platform's revision */
  readonly revision: 'R1' | 'R2';
  /**
   * REDIS_REQUIRED of the platform: without Redis the backend does not start, says "down" instead of "degraded", and
   * refuses token refreshes. Default false.
   */
  readonly redisRequired?: boolean;
  /** students that were seeded */
  readonly students: number;
}

export function readSandboxConfig(file: string): SandboxConfig {
  const config = readJson<SandboxConfig>(file);
  if (config !== undefined) return config;
  throw new Undetermined(`the sandbox has no ${file}`, {
    hint: 'examctl sandbox down, then examctl sandbox up',
  });
}

export function hostsOf({ hosts }: SandboxConfig): Hosts {
  return hosts ?? { listen: '127.0.0.1', backend: '127.0.0.1' };
}

/** The edge with the base path. */
export function apiUrl({ ports, basePath }: SandboxConfig): string {
  return `http://127.0.0.1:${ports.edge}${basePath}`;
}
