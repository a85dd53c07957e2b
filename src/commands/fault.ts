import { Command } from 'commander';
import type { FaultDefinition } from '../faults/fault.ts';
import { faults } from '../faults/index.ts';
import { parseStopCondition, type StopCondition } from '../faults/stop-condition.ts';
import { UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import type { Context } from './context.ts';
import { parseSeconds } from './duration-argument.ts';
import { runFaultClear } from './fault-clear.ts';
import { runFaultHalt } from './fault-halt.ts';
import { type InjectFlags, runFaultInject } from './fault-inject.ts';
import { runFaultList } from './fault-list.ts';
import { runFaultStatus } from './fault-status.ts';
import { declare } from './traits.ts';

export function faultCommand(context: Context): Command {
  const command = new Command('fault')
    .description('break something on purpose, and bring it back')
    .addHelpText(
      'after',
      `
Examples:
  examctl fault list
  examctl fault inject redis-outage --for 30s --dry-run
  examctl fault halt`,
    );
  command
    .command('list')
    .description(
      'show the faults: what each does, what the platform should do, and whether it can be made here',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl fault list -e staging\n  examctl fault list -o json | jq -r ".faults[] | select(.possible).id"',
    )
    .action(() => runFaultList(context));
  declare(command.command('inject'), { changes: true, dryRun: true, judges: true })
    .argument('<fault>', `one of: ${faults.map(({ id }) => id).join(', ')}`)
    .option('--for <duration>', 'how long it holds before it is reverted, as 30s or 2m', parseSeconds)
    .option('--set <name=value>', 'a parameter of the fault; may be given several times', collect, [])
    .option(
      '--stop-if <condition>',
      'end it early: error_rate>0.05, p95_ms>2000; may be given several times',
      collectConditions,
    )
    .description('inject a fault, hold it, revert it and prove that the environment is as before')
    .addHelpText(
      'after',
      `
Examples:
  examctl fault inject redis-outage --for 30s
  examctl fault inject network-delay --set to=database --set delay=300 --stop-if 'p95_ms>2000'
  examctl fault inject worker-kill --dry-run`,
    )
    .action((id: string, flags: InjectFlags) => runFaultInject(findFault(id), flags, context));
  command
    .command('status')
    .description('show what is broken right now, by whom and until when')
    .addHelpText('after', '\nExample:\n  examctl fault status -o json')
    .action(() => runFaultStatus(context));
  declare(command.command('halt'), { changes: true })
    .description('end all faults of the environment now, from any terminal, and see that they are gone')
    .addHelpText('after', '\nExample:\n  examctl fault halt -e staging --reason "students see errors"')
    .action(() => runFaultHalt(context));
  declare(command.command('clear'), { changes: true, dryRun: true })
    .description('revert what any run has left in the environment, also where its journal is lost')
    .addHelpText('after', '\nExample:\n  examctl fault clear -e staging')
    .action(() => runFaultClear(context));
  return command;
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

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function collectConditions(value: string, before: readonly StopCondition[] = []): StopCondition[] {
  return [...before, parseStopCondition(value)];
}
