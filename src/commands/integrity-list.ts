import { Command } from 'commander';
import { selectChecks } from '../checks/select-checks.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { checkListReport } from './integrity-report.ts';

type ListContext = Pick<IntegrityContext, 'catalogue' | 'report'>;

export interface ListOptions {
  readonly suite?: string;
}

export function integrityListCommand(context: ListContext): Command {
  return new Command('list')
    .description('show the checks: what must hold, how severe a finding is, what it looks at, what it costs')
    .option('--suite <name>', 'only those of this suite: core, classic, or one of your own')
    .addHelpText('after', '\nExamples:\n  examctl integrity list\n  examctl integrity list --suite core')
    .action((options: ListOptions) => runIntegrityList(options, context));
}

export async function runIntegrityList({ suite }: ListOptions, context: ListContext): Promise<void> {
  const catalogue = await context.catalogue();
  const { checks, classic } = catalogue;
  const shown = suite === undefined ? [...checks, ...classic] : selectChecks(catalogue, { suite });
  await context.report(checkListReport(shown));
}
