import { Command } from 'commander';
import { type AuditEntry, verifyChain } from '../lifecycle/audit.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';

export function auditCommand(context: Context): Command {
  const command = new Command('audit')
    .description('show, verify and export the log of who did what')
    .addHelpText('after', '\nExamples:\n  examctl audit log --limit 5\n  examctl audit verify');
  command
    .command('log')
    .option('--limit <count>', 'how many, the latest last', parseCount, 30)
    .description('show the latest entries')
    .action((options: { limit: number }) => runAuditLog(options, context));
  command
    .command('verify')
    .description('prove that no entry was changed, added, removed or cut off')
    .action(() => runAuditVerify(context));
  command
    .command('export')
    .description('print every entry: -o ndjson (default), json or yaml')
    .addHelpText('after', '\nExample:\n  examctl audit export > audit-2026.ndjson')
    .action(() => runAuditExport(context));
  return command;
}

type AuditContext = Pick<Context, 'audit' | 'report'>;

export async function runAuditLog(
  { limit }: { limit: number },
  { audit, report }: AuditContext,
): Promise<void> {
  const entries = audit.read().slice(-limit);
  await report({
    kind: 'audit.log',
    data: { entries },
    rows: entries,
    blocks: [
      {
        type: 'table',
        columns: ['#', 'Time', 'Who', 'Environment', 'Action', 'Result', 'Reason'].map((title) => ({
          title,
        })),
        rows: entries.map(rowOf),
      },
    ],
  });
}

function rowOf({ sequence, at, actor, host, environment, action, result, reason, breakGlass }: AuditEntry) {
  return [
    sequence,
    at,
    `${actor}@${host}`,
    environment,
    breakGlass ? `${action} (break-glass)` : action,
    result,
    reason,
  ];
}

export async function runAuditVerify({ audit, report }: AuditContext): Promise<void> {
  const outcome = verifyChain(audit.read(), audit.head(), audit.broken());
  await report({
    kind: 'audit.verify',
    data: outcome,
    outcomes: [outcome],
    exitCode: exitCodeOf([outcome.outcome]),
    blocks: [
      { type: 'outcomes', outcomes: [outcome] },
      { type: 'text', text: audit.file },
    ],
  });
}

export async function runAuditExport({
  audit,
  report,
  options,
}: AuditContext & Pick<Context, 'options'>): Promise<void> {
  const entries = audit.read();
  const lines = entries.map((entry) => JSON.stringify(entry)).join('\n');
  await report({
    kind: 'audit.export',
    data: { entries },
    rows: entries,
    blocks: options.output === undefined && entries.length > 0 ? [{ type: 'code', text: lines }] : [],
  });
}
