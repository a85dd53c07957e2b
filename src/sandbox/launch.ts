import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, writeJson } from '../adapters/files.ts';
import { identify, isAlive } from '../adapters/processes.ts';
import { messageOf, OperationFailed, Undetermined } from '../lifecycle/errors.ts';
import { sandboxControl } from './control-client.ts';
import { logFile, type SandboxFiles } from './folder.ts';
import { ownEnvironment } from './parts.ts';
import type { PartStatus } from './supervised-process.ts';
import { readSupervisorState, type SupervisorPlan, type SupervisorState } from './supervisor-plan.ts';

const startTime = 30_000;
const hopelessAfter = 3;

/** Starts the supervisor so that it outlives this command. */
export function spawnSupervisor(files: SandboxFiles, { program, socket }: SupervisorPlan): void {
  const [node = process.execPath, ...flags] = program;
  const log = openSync(logFile(files, 'supervisor'), 'a', 0o600);
  try {
    const child = spawn(node, [...flags, 'internal', 'sandbox-supervisor', '--folder', files.folder], {
      cwd: '/',
      env: ownEnvironment(),
      detached: true,
      stdio: ['ignore', log, log],
    });
    // a missing program is seen by the missing process
    child.once('error', () => undefined);
    child.unref();
    const supervisor = child.pid === undefined ? undefined : identify(child.pid);
    if (supervisor === undefined) throw notStarted('supervisor', files, `${node} cannot be run`);
    // on record at once, so that it is found when this command is killed before the supervisor writes this itself
    const state: SupervisorState = { supervisor, startedAt: new Date().toISOString(), socket, parts: [] };
    writeJson(files.state, state);
  } finally {
    closeSync(log);
  }
}

export interface Waiting {
  readonly stateFolder: string;
  readonly files: SandboxFiles;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
  /** which parts are waited for */
  readonly isDone: (part: PartStatus) => boolean;
}

/** Rejects with the log of the part that does not start. */
export async function untilUp(waiting: Waiting): Promise<readonly PartStatus[]> {
  const { files, signal, onProgress, isDone } = waiting;
  const deadline = performance.now() + startTime;
  let told = '';
  for (;;) {
    signal.throwIfAborted();
    const { parts, reason } = await ask(waiting);
    const open = parts?.filter((part) => !isDone(part));
    if (parts !== undefined && open?.length === 0) return parts;
    const [first] = open ?? [];
    const hopeless = open?.find(({ failures }) => failures >= hopelessAfter);
    if (hopeless !== undefined) throw notStarted(hopeless.id, files, hopeless.detail ?? hopeless.state);
    if (performance.now() > deadline) {
      const detail = `${first?.detail ?? reason ?? 'no answer'} after ${startTime / 1_000} s`;
      throw notStarted(first?.id ?? 'supervisor', files, detail);
    }
    const message = `starting ${open?.map(({ id }) => id).join(', ') ?? 'the supervisor'}`;
    if (message !== told) onProgress(message);
    told = message;
    await sleep(50);
  }
}

async function ask({ stateFolder, files, signal }: Waiting): Promise<{
  parts?: readonly PartStatus[];
  reason?: string;
}> {
  const supervisor = readSupervisorState(files.state)?.supervisor;
  if (supervisor === undefined || !isAlive(supervisor)) throw notStarted('supervisor', files, 'it ended');
  try {
    return await sandboxControl(stateFolder).status(signal);
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    return { reason: messageOf(error) };
  }
}

function notStarted(part: string, files: SandboxFiles, reason: string): OperationFailed {
  const said = lastLines(logFile(files, part), 12).join('\n');
  return new OperationFailed(
    `the sandbox's ${part} does not start: ${reason}${said === '' ? '' : `; its log ends:\n${said}`}`,
    { reverted: true, hint: 'correct the reason, then: examctl sandbox up' },
  );
}
