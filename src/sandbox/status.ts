import { existsSync } from 'node:fs';
import { readJson } from '../adapters/files.ts';
import { isAlive } from '../adapters/processes.ts';
import { apiUrl, readSandboxConfig, type SandboxConfig } from './config.ts';
import { sandboxControl } from './control-client.ts';
import { locateSandbox, type SandboxFiles } from './folder.ts';
import { optionsOf, type SandboxOptions } from './sandbox-options.ts';
import type { PartStatus } from './supervised-process.ts';
import { readSupervisorState } from './supervisor-plan.ts';

/** `kept`: data without processes; `died`: the supervisor was killed, its servers may still run */
export type SandboxState = 'absent' | 'kept' | 'running' | 'died';

export interface SandboxStatus {
  readonly state: SandboxState;
  readonly folder: string;
  /** null when there is no sandbox */
  readonly options: SandboxOptions | null;
  /** of the API, with its base path */
  readonly url: string | null;
  readonly ports: SandboxConfig['ports'] | null;
  readonly supervisor: { readonly pid: number; readonly since: string } | null;
  readonly parts: readonly PartStatus[];
  /** ids of the defects that are on */
  readonly defects: readonly string[];
}

export async function status({ stateFolder }: { stateFolder: string }): Promise<SandboxStatus> {
  const files = locateSandbox(stateFolder);
  const state = stateOf(files);
  const config = state === 'absent' ? undefined : readSandboxConfig(files.config);
  const supervised = state === 'running' ? await sandboxControl(stateFolder).status() : undefined;
  return {
    state,
    folder: files.folder,
    options: config === undefined ? null : optionsOf(config),
    url: config === undefined ? null : apiUrl(config),
    ports: config?.ports ?? null,
    supervisor: supervised === undefined ? null : { pid: supervised.pid, since: supervised.startedAt },
    parts: supervised?.parts ?? [],
    defects: readJson<string[]>(files.defects) ?? [],
  };
}

export function stateOf(files: SandboxFiles): SandboxState {
  if (!existsSync(files.config)) return 'absent';
  const state = readSupervisorState(files.state);
  if (state === undefined) return 'kept';
  return isAlive(state.supervisor) ? 'running' : 'died';
}
