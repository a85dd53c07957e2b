import { Command } from 'commander';
import { integrityCheckCommand } from './integrity-check.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { integrityListCommand } from './integrity-list.ts';

export function integrityCommand(context: IntegrityContext): Command {
  return new Command('integrity')
    .description('check the data of the exams for lost, doubled and contradictory records')
    .addHelpText('after', '\nExample:\n  examctl integrity check --since 3h')
    .addCommand(integrityCheckCommand(context))
    .addCommand(integrityListCommand(context));
}
