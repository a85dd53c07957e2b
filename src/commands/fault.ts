import { Command } from 'commander';
import type { FaultDefinition } from '../faults/fault.ts';
import { faults } from '../faults/index.ts';
import { planFault } from '../faults/plan-fault.ts';
import { systemClock } from '../lifecycle/clock.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { openChanges } from '../lifecycle/journal.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { untilSteady } from '../probes/until-steady.ts';
import { planReport } from '../report/plan-report.ts';
import type { Context } from './context.ts';
import { parseSeconds } from './duration-argument.ts';
import { recoverRuns } from './recover.ts';

export function faultCommand(context: Context): Command {
  const command = new Command('fault')
    .description('break something on purpose, and bring it back')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl fault list\n  examctl fault inject redis-outage --for 30s --dry-run',
    );
  command
    .command('list')
    .description('show the faults, and what the platform should do meanwhile')
    .action(() => runFaultList(context));
  command
    .command('inject')
    .argument('<fault>', `one of: ${faults.map(({ id }) => id).join(', ')}`)
    .option('--for <duration>', 'how long it holds before it is reverted, as 30s or 2m', parseSeconds)
    .description('inject a fault, hold it, revert it and prove that the environment is as before')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl fault inject redis-outage --for 30s\n  examctl fault inject worker-restart --dry-run',
    )
    .action((id: string, options: { for?: number }) => runFaultInject(id, options, context));
  command
    .command('status')
    .description('show what is broken right now, by whom and until when')
    .action(() => runFaultStatus(context));
  command
    .command('clear')
    .description('revert what runs that died have left: the same as examctl recover')
    .action(() => recoverRuns(undefined, context));
  return command;
}

export async function runFaultList({ report }: Pick<Context, 'report'>): Promise<void> {
  const rows = faults.map(({ id, title, expectation, defaultSeconds, maxSeconds }) => ({
    id,
    title,
    expectation,
    defaultSeconds,
    maxSeconds,
  }));
  await report({
    kind: 'fault.list',
    data: { faults: rows },
    rows,
    blocks: [
      {
        type: 'table',
        columns: [{ title: 'Fault' }, { title: 'What it does' }, { title: 'What the platform should do' }],
        rows: rows.map(({ id, title, expectation }) => [id, title, expectation]),
      },
    ],
  });
}

/** Clients of what was away may take a moment to connect again; the platform must be steady by then. */
const recoverySeconds = 15;

export async function runFaultInject(
  id: string,
  options: { for?: number },
  context: Pick<Context, 'openEnvironment' | 'operator' | 'report' | 'options' | 'signal'>,
): Promise<void> {
  const fault = findFault(id);
  const environment = await context.openEnvironment();
  const plan = await planFault(fault, environment, options.for);
  if (context.options.dryRun) return context.report(planReport(plan));
  const result = await context.operator(environment).run(plan);
  const after = await untilSteady(environment, {
    clock: systemClock,
    signal: context.signal,
    seconds: recoverySeconds,
  });
  await context.report({
    kind: 'fault.inject',
    data: { fault: id, run: result.run, folder: result.folder, reverted: true, steadyStateAfter: after },
    outcomes: after,
    exitCode: exitCodeOf(after.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'text', text: `${fault.title}: injected, held and reverted. Journal: ${result.folder}` },
      { type: 'heading', text: 'Steady state afterwards' },
      { type: 'outcomes', outcomes: after },
    ],
  });
}

export function findFault(id: string): FaultDefinition {
  const fault = faults.find((candidate) => candidate.id === id);
  if (fault !== undefined) return fault;
  throw new UsageError(`there is no fault "${id}"`, {
    hint: didYouMean(
      id,
      faults.map((candidate) => candidate.id),
    ),
  });
}

export async function runFaultStatus({
  archive,
  report,
}: Pick<Context, 'archive' | 'report'>): Promise<void> {
  const broken = [];
  const unknown: { run: string; damage: string }[] = [];
  for (const { id, identity, alive } of archive.open()) {
    const damage = await archive.journal(id).damage();
    if (damage !== null) unknown.push({ run: id, damage });
    for (const { target, at, deadline } of openChanges(await archive.journal(id).read())) {
      broken.push({
        run: id,
        environment: identity.environment,
        target,
        since: at,
        until: deadline,
        by: identity.actor,
        alive,
      });
    }
  }
  await report({
    kind: 'fault.status',
    data: { broken, unknown },
    rows: broken,
    exitCode: unknown.length === 0 ? 0 : 3,
    blocks: [
      ...unknown.map(({ run, damage }) => ({
        type: 'text' as const,
        text: `What run ${run} has changed is not known: its journal cannot be trusted: ${damage}`,
      })),
      broken.length === 0
        ? {
            type: 'text' as const,
            text:
              unknown.length === 0
                ? 'Nothing is changed by examctl right now.'
                : 'Nothing else is known to be changed.',
          }
        : {
            type: 'table',
            columns: ['Environment', 'Target', 'Since', 'Until', 'By', 'Run', 'Its process'].map((title) => ({
              title,
            })),
            rows: broken.map((row) => [
              row.environment,
              row.target,
              row.since,
              row.until,
              row.by,
              row.run,
              row.alive ? 'alive' : 'dead: examctl recover',
            ]),
          },
    ],
  });
}
