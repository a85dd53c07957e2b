import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, lstatSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder, readText, writeFileAtomic } from '../adapters/files.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { type Account, isTraversable } from './account.ts';

export const disturbancesFolder = 'disturbances';

/** Where the files of a sandbox are, all below its folder. */
export interface SandboxFiles {
  readonly folder: string;
  /** SandboxConfig; written last, so that a folder without it is half-made */
  readonly config: string;
  /** SupervisorPlan */
  readonly plan: string;
  /** SupervisorState; there while a supervisor lives, or when it was killed */
  readonly state: string;
  readonly defects: string;
  /** a folder */
  readonly disturbances: string;
  readonly jobs: string;
  readonly jobsState: string;
  readonly backendEnvironment: string;
  readonly logs: string;
  readonly postgres: string;
  readonly redis: string;
}

export function sandboxFiles(folder: string): SandboxFiles {
  return {
    folder,
    config: join(folder, 'config.json'),
    plan: join(folder, 'supervisor.json'),
    state: join(folder, 'state.json'),
    defects: join(folder, 'defects.json'),
    disturbances: join(folder, disturbancesFolder),
    jobs: join(folder, 'jobs.json'),
    jobsState: join(folder, 'jobs-state.json'),
    backendEnvironment: join(folder, 'backend.env'),
    logs: join(folder, 'logs'),
    postgres: join(folder, 'postgres'),
    redis: join(folder, 'redis'),
  };
}

export function logFile({ logs }: SandboxFiles, instance: string): string {
  return join(logs, `${instance}.log`);
}

/** Files of the sandbox that this state folder has or would have. */
export function locateSandbox(stateFolder: string): SandboxFiles {
  const pointer = readText(pointerFile(stateFolder))?.trim();
  if (pointer !== undefined) return sandboxFiles(pointer);
  const [inside, outside] = possibleFolders(stateFolder);
  // the state folder may have been removed under a sandbox that lies elsewhere and runs on
  const isElsewhere =
    !existsSync(inside) && lstatSync(outside, { throwIfNoEntry: false })?.uid === process.getuid?.();
  return sandboxFiles(isElsewhere ? outside : inside);
}

/** Makes the sandbox's folder; elsewhere when the servers' account cannot reach the state folder (root's home). */
export function makeSandboxFolder(stateFolder: string, account: Account | undefined): SandboxFiles {
  const [inside, outside] = possibleFolders(stateFolder);
  const reachable = isTraversable(inside, account);
  const folder = reachable ? inside : outside;
  if (!reachable) writeFileAtomic(pointerFile(stateFolder), `${folder}\n`);
  makeOwnFolder(folder, account === undefined ? 0o700 : 0o711);
  const files = sandboxFiles(folder);
  makeOwnFolder(files.logs, 0o700);
  return files;
}

export function removeSandboxFolder(stateFolder: string): void {
  rmSync(locateSandbox(stateFolder).folder, { recursive: true, force: true });
  rmSync(pointerFile(stateFolder), { force: true });
}

/** A short path: that of a Unix socket may have 107 bytes, on macOS 103. */
export function makeSocketFolder(folder: string): string {
  const name = uniqueName(folder);
  const preferred = join(tmpdir(), name);
  const socketFolder = preferred.length > 90 ? join('/tmp', name) : preferred;
  rmSync(socketFolder, { recursive: true, force: true });
  makeOwnFolder(socketFolder, 0o700);
  return socketFolder;
}

function possibleFolders(stateFolder: string): readonly [inside: string, outside: string] {
  return [join(stateFolder, 'sandbox'), join('/var/tmp', uniqueName(stateFolder))];
}

function pointerFile(stateFolder: string): string {
  return join(stateFolder, 'sandbox-folder');
}

function uniqueName(folder: string): string {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  return `examctl-${process.getuid?.() ?? 0}-${hash}`;
}

/** Not one that somebody else made before us in a folder that all may write. */
export function makeOwnFolder(folder: string, mode: number): void {
  makeWritableFolder(folder);
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) {
    throw new UsageError(`${folder} belongs to somebody else`, {
      hint: 'have it removed, or name another folder with --state DIR',
    });
  }
  chmodSync(folder, mode);
}

/** Made for the user alone when it does not exist. */
export function makeWritableFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`the folder ${folder} cannot be written: ${messageOf(error)}`, {
      hint: 'name another folder with --state DIR or EXAMCTL_STATE',
      cause: error,
    });
  }
}
