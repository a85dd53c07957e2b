import { Command } from 'commander';
import { Refused } from '../lifecycle/errors.ts';
import type { LockState } from '../lifecycle/run-lock.ts';
import type { Block } from '../report/report.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { Context } from './context.ts';
import { runsListCommand } from './runs-list.ts';
import { runsShowCommand } from './runs-show.ts';
import { declare } from './traits.ts';

export function runsCommand(context: Context): Command {
  const command = new Command('runs')
    .description('show what ran, what is still open, and who holds the run lock')
    .addHelpText('after', '\nExamples:\n  examctl runs list\n  examctl runs show 7f3a');
  command.addCommand(runsListCommand(context));
  command.addCommand(runsShowCommand(context));
  command
    .command('lock')
    .description('show who holds the run lock of the environment')
    .action(() => runRunsLock(context));
  declare(command.command('unlock'), { changes: true })
    .description('release the run lock of a holder who is gone; says whose it was')
    .addHelpText(
      'after',
      '\nA living holder is not released unless --break-glass --reason "..." is given.\nExample:\n  examctl runs unlock -e staging',
    )
    .action(() => runRunsUnlock(context));
  return command;
}

type LockContext = Pick<Context, 'openEnvironment' | 'locks' | 'report'>;

export async function runRunsLock({ openEnvironment, locks, report }: LockContext): Promise<void> {
  const environment = await openEnvironment();
  const lock = await locks(environment).current();
  await report({
    kind: 'runs.lock',
    data: { environment: environment.name, lock },
    blocks: [lockBlock(lock)],
  });
}

export async function runRunsUnlock(
  context: LockContext & Pick<Context, 'options' | 'audit' | 'actor'>,
): Promise<void> {
  const environment = await context.openEnvironment();
  const locks = context.locks(environment);
  const lock = await locks.current();
  const { breakGlass, reason } = context.options;
  if (lock !== null && !lock.expired && !(breakGlass && reason)) {
    throw new Refused(`the run lock of ${environment.name} is held by a living run: ${holderText(lock)}`, {
      hint: 'end that run (it reverts what it changed); in an emergency: --break-glass --reason "..."',
    });
  }
  // only of the holder that was looked at: the next one may have taken it meanwhile
  const released = lock === null ? null : await locks.forceRelease(lock.holder.run);
  if (released !== null) {
    const record = auditRecorder(context, { environment: environment.name, action: 'runs unlock' });
    await record(`released: ${holderText(released)}`, {}, released.holder.run);
  }
  const text = released === null ? 'Nobody held the run lock.' : `Released: ${holderText(released)}.`;
  await context.report({
    kind: 'runs.unlock',
    data: { environment: environment.name, released },
    blocks: [{ type: 'text', text }],
  });
}

function lockBlock(lock: LockState | null): Block {
  if (lock === null) return { type: 'text', text: 'Nobody holds the run lock.' };
  const state = lock.expired
    ? 'expired, the next run takes it over'
    : `held until ${lock.expiresAt} unless renewed`;
  return { type: 'text', text: `${holderText(lock)}; in the ${lock.where}, epoch ${lock.epoch}; ${state}` };
}

function holderText({ holder, acquiredAt }: LockState): string {
  const { actor, host, pid, operation, run, reason } = holder;
  return `${actor}@${host} (process ${pid}) since ${acquiredAt} for ${operation}${reason === null ? '' : ` ("${reason}")`}, run ${run}`;
}
