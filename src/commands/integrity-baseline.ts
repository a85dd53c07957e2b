import { Command } from 'commander';
import {
  type AcceptOptions,
  type BaselineContext,
  type ChecksOption,
  runBaselineAccept,
  runBaselineList,
  runBaselinePrune,
  runBaselineRemove,
} from './change-baseline.ts';
import { parseUntil } from './until-argument.ts';

export function integrityBaselineCommand(context: BaselineContext): Command {
  const command = new Command('baseline')
    .description('accept known findings for a time, so that only new ones fail a check')
    .addHelpText(
      'after',
      `
An acceptance holds for the findings that there are now, in one environment, until its day is over. It is kept in
integrity-baseline.json beside examctl.yaml (or checks.baseline), to be shared by version control, and names no student.

Examples:
  examctl integrity baseline accept --check overdue-sessions --until 2026-06-30 --owner exam-office \\
    --reason "students of the cancelled exam, ticket 4711"
  examctl integrity baseline list`,
    );
  command
    .command('accept')
    .description('accept the findings that these checks have now')
    .option('--check <id>', 'whose findings; may be given several times', collect, [])
    .requiredOption(
      '--until <date>',
      '2026-06-30, in UTC, or a time with its zone; at most a year',
      parseUntil,
    )
    .requiredOption('--owner <name>', 'who answers for them, and mends them until then')
    .addHelpText(
      'after',
      `
Takes --reason, and goes on record. Findings that are accepted already are renewed: the new day, owner and reason hold
for them. At most 10,000 of a check can be accepted.

Example:
  examctl integrity baseline accept -e staging --check overdue-sessions --until 2026-06-30 --owner exam-office \\
    --reason "students of the cancelled exam, ticket 4711"

Exit codes: 0 accepted, or nothing to accept, 3 a check could not be made, 4 too many findings.`,
    )
    .action((options: AcceptOptions) => runBaselineAccept(options, context));
  command
    .command('list')
    .description('show what is accepted: by whom, why, until when; of all environments, or that of -e')
    .addHelpText('after', '\nExample:\n  examctl integrity baseline list -e staging')
    .action(() => runBaselineList(context));
  command
    .command('remove')
    .description('accept nothing of these checks any more, in one environment')
    .option('--check <id>', 'whose acceptances; may be given several times', collect, [])
    .addHelpText(
      'after',
      '\nGoes on record.\n\nExample:\n  examctl integrity baseline remove -e staging --check overdue-sessions',
    )
    .action((options: ChecksOption) => runBaselineRemove(options, context));
  command
    .command('prune')
    .description('look which accepted findings are gone from the data, and take them out')
    .addHelpText(
      'after',
      `
Goes on record. What is taken out counts as new when it comes back.

Example:
  examctl integrity baseline prune -e staging

Exit codes: 0 done, 3 a check could not be made, so that its acceptances stay.`,
    )
    .action(() => runBaselinePrune(context));
  return command;
}

function collect(id: string, ids: readonly string[]): string[] {
  return [...ids, id];
}
