import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, OperationFailed } from '../lifecycle/errors.ts';
import type { Journal } from '../lifecycle/journal.ts';
import type { Guardian } from '../lifecycle/run.ts';

export interface GuardianOptions {
  /** node, its flags and the script of examctl */
  readonly program: readonly string[];
  /** flags with which it finds the same environment and state: --state, --config, --env */
  readonly flags: readonly string[];
  readonly run: string;
  readonly runFolder: string;
  readonly journal: Journal;
}

const readyWithin = 15_000;

/**
 * Starts the guardian of a run in a session of its own, so that it outlives the terminal, and waits until it has
 * written into the journal that it watches.
 */
export async function startGuardian({
  program,
  flags,
  run,
  runFolder,
  journal,
}: GuardianOptions): Promise<Guardian> {
  const [command = process.execPath, ...args] = program;
  const log = openSync(join(runFolder, 'guardian.log'), 'a', 0o600);
  const child = spawn(command, [...args, 'internal', 'guardian', ...flags, '--run', run], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const lost = new AbortController();
  child.on('error', (error) => lost.abort(messageOf(error)));
  child.on('exit', (code, signal) => lost.abort(signal === null ? `exit code ${code}` : signal));
  child.unref();
  const pid = child.pid;
  const deadline = performance.now() + readyWithin;
  while (pid !== undefined && !lost.signal.aborted && performance.now() < deadline) {
    const ready = (await journal.read()).some((line) => line.type === 'guardian.ready' && line.pid === pid);
    if (ready) return { pid, lost: lost.signal, farewell: () => untilAborted(lost.signal) };
    await sleep(15);
  }
  if (pid !== undefined && !lost.signal.aborted) process.kill(pid, 'SIGKILL');
  throw new OperationFailed('the guardian process did not start, so nothing was changed', {
    reverted: true,
    hint: `see ${join(runFolder, 'guardian.log')}`,
  });
}

/** Two seconds are many times what it takes; a guardian that hangs must not keep its run from ending. */
function untilAborted(signal: AbortSignal): Promise<void> {
  return sleep(2_000, undefined, { signal }).catch(() => undefined);
}
