import { setTimeout as sleep } from 'node:timers/promises';
import { readJson, writeJson } from '../adapters/files.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { requireRunning, sandboxControl } from './control-client.ts';
import { type SandboxDefect, sandboxDefects } from './defects.ts';
import type { SandboxFiles } from './folder.ts';

export interface DefectReport {
  readonly defects: readonly (SandboxDefect & { readonly on: boolean })[];
}

export interface MendReport extends DefectReport {
  /** backend instances that were started again, as they were still not ready */
  readonly restarted: readonly string[];
}

interface SwitchContext {
  readonly stateFolder: string;
  readonly signal: AbortSignal;
}

/** Twice the time after which the sandbox's processes look at the switches again. */
const takesEffectAfter = 500;

/** Switches a defect on; it has taken effect when this resolves. */
export async function breakWith({ stateFolder, signal }: SwitchContext, id: string): Promise<DefectReport> {
  requireKnown(id);
  const { files } = requireRunning(stateFolder);
  await switchTo(files, [...new Set([...defectsOn(files), id])], signal);
  return { defects: listDefects(files) };
}

/** Switches a defect off, or all of them; a worker that does not recover from it by itself is replaced. */
export async function mend({ stateFolder, signal }: SwitchContext, id: string | 'all'): Promise<MendReport> {
  if (id !== 'all') requireKnown(id);
  const { files } = requireRunning(stateFolder);
  const before = defectsOn(files);
  await switchTo(
    files,
    before.filter((on) => id !== 'all' && on !== id),
    signal,
  );
  return { defects: listDefects(files), restarted: await replaceUnready(stateFolder, signal) };
}

async function replaceUnready(stateFolder: string, signal: AbortSignal): Promise<string[]> {
  const control = sandboxControl(stateFolder);
  const { parts } = await control.status(signal);
  const unready = parts.filter(({ service, state }) => service === 'backend' && state === 'unhealthy');
  await Promise.all(unready.map(({ id }) => control.kill(id, signal)));
  return unready.map(({ id }) => id);
}

export function defectsOf(stateFolder: string): DefectReport {
  return { defects: listDefects(requireRunning(stateFolder).files) };
}

async function switchTo(files: SandboxFiles, ids: readonly string[], signal: AbortSignal): Promise<void> {
  writeJson(files.defects, ids);
  await sleep(takesEffectAfter, undefined, { signal });
}

function listDefects(files: SandboxFiles): DefectReport['defects'] {
  const on = defectsOn(files);
  return sandboxDefects.map((defect) => ({ ...defect, on: on.includes(defect.id) }));
}

function defectsOn(files: SandboxFiles): string[] {
  return readJson<string[]>(files.defects) ?? [];
}

function requireKnown(id: string): void {
  const known = sandboxDefects.map((defect) => defect.id as string);
  if (known.includes(id)) return;
  throw new UsageError(`there is no defect "${id}"`, { hint: didYouMean(id, known) });
}
