import { Command } from 'commander';
import { Refused } from '../lifecycle/errors.ts';
import { type JournalLine, openChanges, runFinish } from '../lifecycle/journal.ts';
import type { LockState } from '../lifecycle/run-lock.ts';
import type { Block } from '../report/report.ts';
import { auditRecorder } from './audit-recorder.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { declare } from './traits.ts';

export function runsCommand(context: Context): Command {
  const command = new Command('runs')
    .description('show what ran, what is still open, and who holds the run lock')
    .addHelpText('after', '\nExamples:\n  examctl runs list\n  examctl runs show 7f3a');
  command
    .command('list')
    .option('--limit <count>', 'how many, the latest first', parseCount, 20)
    .description('show the latest runs and how they ended')
    .action((options: { limit: number }) => runRunsList(options, context));
  command
    .command('show')
    .argument('<run>', 'a run id, or its last four characters')
    .description('show the journal of a run')
    .action((id: string) => runRunsShow(id, context));
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

export async function runRunsList(
  { limit }: { limit: number },
  { archive, report }: Pick<Context, 'archive' | 'report'>,
) {
  const open = new Map(archive.open().map((run) => [run.id, run.alive]));
  const rows = [];
  for (const id of archive.list().slice(0, limit)) {
    const lines = await archive.journal(id).read();
    const started = lines.find((line) => line.type === 'run.started');
    rows.push({
      run: id,
      operation: started?.operation ?? null,
      environment: started?.environment ?? null,
      actor: started?.actor ?? null,
      startedAt: lines[0]?.at ?? null,
      state: stateOf(lines, open.get(id)),
      open: openChanges(lines).map(({ target }) => target),
    });
  }
  await report({
    kind: 'runs.list',
    data: { runs: rows },
    rows,
    blocks: [
      {
        type: 'table',
        columns: ['Run', 'Operation', 'Environment', 'By', 'State', 'Still open'].map((title) => ({ title })),
        rows: rows.map((row) => [
          row.run,
          row.operation,
          row.environment,
          row.actor,
          row.state,
          row.open.join(', '),
        ]),
      },
    ],
  });
}

function stateOf(lines: readonly JournalLine[], alive: boolean | undefined): string {
  const finish = runFinish(lines);
  if (finish !== undefined) return finish.by === 'run' ? finish.result : `${finish.result}, by ${finish.by}`;
  if (alive === undefined) return 'never begun, or closed by hand';
  return alive ? 'at work' : 'died: examctl recover';
}

export async function runRunsShow(
  wanted: string,
  { archive, report }: Pick<Context, 'archive' | 'report'>,
): Promise<void> {
  const id = archive.find(wanted);
  const lines = await archive.journal(id).read();
  await report({
    kind: 'runs.show',
    data: { run: id, folder: archive.path(id), journal: lines },
    rows: lines,
    blocks: [
      { type: 'heading', text: id },
      { type: 'text', text: archive.path(id) },
      {
        type: 'table',
        columns: [{ title: 'Time' }, { title: 'What' }, { title: 'Details' }],
        rows: lines.map((line) => [line.at, line.type, detailsOf(line)]),
      },
    ],
  });
}

function detailsOf(line: JournalLine): string {
  switch (line.type) {
    case 'run.started':
      return `${line.operation} on ${line.environment} by ${line.actor}@${line.host}, process ${line.pid}`;
    case 'plan.made':
      return `${line.plan.operation}: ${line.plan.changes.length} changes, digest ${line.plan.digest.slice(0, 16)}`;
    case 'change.started':
      return `#${line.change} ${line.target}: ${line.apply.kind}${line.deadline === null ? '' : `, reverted at the latest ${line.deadline}`}`;
    case 'change.verified':
    case 'revert.verified':
      return `#${line.change} ${line.outcome.outcome}: ${line.outcome.message}`;
    case 'revert.failed':
      return `#${line.change} ${line.message}`;
    case 'run.finished':
      return `${line.result}, by ${line.by}: ${line.message}`;
    default: {
      const { at: _, type: __, ...rest } = line;
      return JSON.stringify(rest);
    }
  }
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
