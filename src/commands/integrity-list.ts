import { Command } from 'commander';
import type { IntegrityContext } from './integrity-context.ts';
import { checkListReport } from './integrity-report.ts';

export function integrityListCommand({
  catalogue,
  report,
}: Pick<IntegrityContext, 'catalogue' | 'report'>): Command {
  return new Command('list')
    .description('show the checks: what must hold, how severe a finding is, what it costs')
    .action(async () => {
      const { checks, classic } = await catalogue();
      await report(checkListReport([...checks, ...classic]));
    });
}
