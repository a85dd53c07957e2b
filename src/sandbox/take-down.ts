import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { endProcess, isAlive, type ProcessIdentity, untilGone } from '../adapters/processes.ts';
import { OperationFailed } from '../lifecycle/errors.ts';
import type { SandboxFiles } from './folder.ts';
import { letTreeGoOn } from './halted-processes.ts';
import { readSupervisorState, type SupervisorState } from './supervisor-plan.ts';

/** longer than the supervisor gives its parts to end in order, before it ends them by force */
const supervisorPatience = 25_000;

/** Ends all processes of the sandbox, also those that a killed supervisor left; the data stay. */
export async function takeDown(files: SandboxFiles): Promise<void> {
  const before = readSupervisorState(files.state);
  if (before === undefined) return;
  await endProcess(before.supervisor, ['SIGTERM'], supervisorPatience);
  // the state of a supervisor that ended in order is gone, that of a killed one names what it left
  const parts = readSupervisorState(files.state)?.parts ?? [];
  await Promise.all(parts.map(endPart));
  requireGone([before.supervisor, ...before.parts, ...parts]);
  rmSync(dirname(before.socket), { recursive: true, force: true });
  rmSync(files.state, { force: true });
}

/** Processes of our own end by themselves when the supervisor is gone, the servers do not. */
async function endPart({ service, ...identity }: SupervisorState['parts'][number]): Promise<void> {
  // a paused one does not see any signal but this
  letTreeGoOn(identity);
  const isOwn = service !== 'database' && service !== 'cache';
  if (isOwn && (await untilGone(identity, 3_000))) return;
  await endProcess(identity, service === 'database' ? ['SIGINT', 'SIGQUIT'] : ['SIGTERM']);
}

function requireGone(processes: readonly ProcessIdentity[]): void {
  const alive = processes.filter(isAlive).map(({ pid }) => pid);
  if (alive.length === 0) return;
  throw new OperationFailed(`processes of the sandbox cannot be ended: ${alive.join(', ')}`, {
    reverted: false,
    hint: `kill -9 ${alive.join(' ')}`,
  });
}
