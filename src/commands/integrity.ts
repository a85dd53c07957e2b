import { Command } from 'commander';
import { integrityBaselineCommand } from './integrity-baseline.ts';
import { integrityCheckCommand } from './integrity-check.ts';
import { integrityCompareCommand } from './integrity-compare.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { integrityExplainCommand } from './integrity-explain.ts';
import { integrityHistoryCommand } from './integrity-history.ts';
import { integrityLintCommand } from './integrity-lint.ts';
import { integrityListCommand } from './integrity-list.ts';
import { integrityNewCommand } from './integrity-new.ts';

export function integrityCommand(context: IntegrityContext): Command {
  return new Command('integrity')
    .description('check the data of the exams for lost, doubled and contradictory records')
    .addHelpText('after', '\nExample:\n  examctl integrity check --since 3h')
    .addCommand(integrityCheckCommand(context))
    .addCommand(integrityListCommand(context))
    .addCommand(integrityExplainCommand(context))
    .addCommand(integrityNewCommand(context))
    .addCommand(integrityLintCommand(context))
    .addCommand(integrityBaselineCommand(context))
    .addCommand(integrityHistoryCommand(context))
    .addCommand(integrityCompareCommand(context));
}
