import { existsSync } from 'node:fs';
import { Undetermined } from '../lifecycle/errors.ts';
import { withChangeLock } from './change-lock.ts';
import { readSandboxConfig } from './config.ts';
import { notRunning } from './control-client.ts';
import { locateSandbox, makeWritableFolder, removeSandboxFolder } from './folder.ts';
import { untilUp } from './launch.ts';
import { makeSandbox, type SandboxContext, startKept } from './make-sandbox.ts';
import {
  defaultSandboxOptions,
  optionsOf,
  requireSame,
  requireValid,
  type SandboxOptions,
} from './sandbox-options.ts';
import { type SandboxStatus, stateOf, status } from './status.ts';
import { takeDown } from './take-down.ts';

export { breakWith, defectsOf, mend } from './defect-switch.ts';
export { logs } from './logs.ts';
export type { SandboxContext } from './make-sandbox.ts';
export type { SandboxOptions } from './sandbox-options.ts';
export { type SandboxState, type SandboxStatus, status } from './status.ts';

export interface UpReport extends SandboxStatus {
  readonly outcome: 'started' | 'already-up';
  readonly milliseconds: number;
}

export interface DownReport {
  readonly outcome: 'stopped' | 'removed' | 'nothing-there';
  readonly folder: string;
}

/** Brings the sandbox up, or says that it is. Options that are not given are those that it has, else the defaults. */
export async function up(context: SandboxContext, wanted: Partial<SandboxOptions> = {}): Promise<UpReport> {
  const started = performance.now();
  requireValid({ ...defaultSandboxOptions, ...wanted });
  requireSupportedPlatform();
  makeWritableFolder(context.stateFolder);
  const outcome = await withChangeLock(context.stateFolder, context, () => bringUp(context, wanted));
  return { ...(await status(context)), outcome, milliseconds: Math.round(performance.now() - started) };
}

async function bringUp(
  context: SandboxContext,
  wanted: Partial<SandboxOptions>,
): Promise<UpReport['outcome']> {
  const { stateFolder } = context;
  const files = locateSandbox(stateFolder);
  const state = stateOf(files);
  if (state === 'absent') {
    removeSandboxFolder(stateFolder);
    await makeSandbox(context, { ...defaultSandboxOptions, ...wanted });
    return 'started';
  }
  const config = readSandboxConfig(files.config);
  if (state === 'running') {
    const names = Object.keys(defaultSandboxOptions) as (keyof SandboxOptions)[];
    requireSame(wanted, optionsOf(config), {
      names,
      instead: 'examctl sandbox down, then up with the new options',
    });
    await untilUp({ ...context, files, isDone: (part) => part.state !== 'starting' });
    return 'already-up';
  }
  requireSame(wanted, optionsOf(config), { names: ['students'], instead: 'examctl sandbox down, then up' });
  if (state === 'died') {
    context.onProgress('ending what the supervisor that died has left');
    await takeDown(files);
  }
  await startKept(context, files, { ...optionsOf(config), ...wanted }, config);
  return 'started';
}

/** Leaves no process, no socket and, unless they are to be kept, no data. */
export async function down(context: SandboxContext, { keep = false } = {}): Promise<DownReport> {
  const { stateFolder } = context;
  const files = locateSandbox(stateFolder);
  if (!existsSync(stateFolder)) return { outcome: 'nothing-there', folder: files.folder };
  return withChangeLock(stateFolder, context, async () => {
    const isThere = existsSync(files.folder);
    const isKept = keep && stateOf(files) !== 'absent';
    await takeDown(files);
    if (!isKept) removeSandboxFolder(stateFolder);
    const outcome = isKept ? 'stopped' : 'removed';
    return { outcome: isThere ? outcome : 'nothing-there', folder: files.folder };
  });
}

/** Fresh data, same options. */
export async function reset(context: SandboxContext): Promise<UpReport> {
  const started = performance.now();
  const { stateFolder } = context;
  const files = locateSandbox(stateFolder);
  if (stateOf(files) === 'absent') throw notRunning('there is no sandbox to reset');
  await withChangeLock(stateFolder, context, async () => {
    const options = optionsOf(readSandboxConfig(files.config));
    await takeDown(files);
    removeSandboxFolder(stateFolder);
    await makeSandbox(context, options);
  });
  return {
    ...(await status(context)),
    outcome: 'started',
    milliseconds: Math.round(performance.now() - started),
  };
}

function requireSupportedPlatform(): void {
  if (process.platform === 'linux' || process.platform === 'darwin') return;
  throw new Undetermined(`the sandbox runs on Linux and macOS, not on ${process.platform}`, {
    hint: 'on Windows, run examctl inside WSL',
  });
}
