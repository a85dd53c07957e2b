import { Command } from 'commander';
import type { AuditEntry } from '../lifecycle/audit.ts';
import { anchorsProbe, verifyAnchors } from '../lifecycle/audit-anchor.ts';
import { type RecordedRun, verifyRuns } from '../lifecycle/audit-coverage.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { exitCodeOf, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { RunArchive } from '../lifecycle/run-archive.ts';
import { verifyChain } from '../lifecycle/verify-chain.ts';
import { attempt, judged } from '../probes/attempt.ts';
import type { Block } from '../report/report.ts';
import { auditRedactCommand } from './audit-redact.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { declare } from './traits.ts';

export function auditCommand(context: Context): Command {
  const command = new Command('audit')
    .description('show, verify and export the log of who did what')
    .addHelpText('after', '\nExamples:\n  examctl audit log --limit 5\n  examctl audit verify');
  command
    .command('log')
    .option('--limit <count>', 'how many, the latest last', parseCount, 30)
    .description('show the latest entries')
    .action((options: { limit: number }) => runAuditLog(options, context));
  declare(command.command('verify'), { judges: true })
    .description(
      'prove that no entry was changed, added, removed or cut off, and that every run is on record',
    )
    .addHelpText(
      'after',
      `
The log is held against itself, against the folders of the runs, and against what the database of the environment (-e)
has noted of it with each run.`,
    )
    .action(() => runAuditVerify(context));
  command
    .command('export')
    .description('print every entry: as lines of JSON unless -o says otherwise')
    .addHelpText('after', '\nExample:\n  examctl audit export > audit-2026.ndjson')
    .action(() => runAuditExport(context));
  command.addCommand(auditRedactCommand(context));
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
    onlyShows: true,
    blocks: [entryTable(entries)],
  });
}

function entryTable(entries: readonly AuditEntry[]): Block {
  const titles = ['#', 'Time', 'Who', 'Environment', 'Action', 'Result', 'Reason'];
  return { type: 'table', columns: titles.map((title) => ({ title })), rows: entries.map(rowOf) };
}

function rowOf({
  sequence,
  at,
  actor,
  account,
  host,
  environment,
  action,
  result,
  reason,
  breakGlass,
}: AuditEntry) {
  return [
    sequence,
    at,
    account === undefined || account === actor ? `${actor}@${host}` : `${actor}@${host} (account ${account})`,
    environment,
    breakGlass ? `${action} (break-glass)` : action,
    result,
    reason,
  ];
}

type VerifyContext = AuditContext & Pick<Context, 'archive' | 'openEnvironment' | 'anchors' | 'signal'>;

export async function runAuditVerify({ audit, archive, report, ...context }: VerifyContext): Promise<void> {
  // the runs first: one that begins meanwhile is in the log before it has a folder
  const runs = await recordedRuns(archive);
  const entries = audit.read();
  const outcomes = [
    verifyChain(entries, audit.head(), audit.broken()),
    verifyRuns(entries, runs, new Date()),
    await heldAgainstAnchors(entries, context),
  ];
  await report({
    kind: 'audit.verify',
    version: 2,
    data: { outcomes },
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'outcomes', outcomes },
      { type: 'text', text: audit.file },
    ],
  });
}

/** Without an environment the log is held against nothing outside of its folder. */
async function heldAgainstAnchors(
  entries: readonly AuditEntry[],
  { openEnvironment, anchors, signal }: Pick<VerifyContext, 'openEnvironment' | 'anchors' | 'signal'>,
): Promise<OutcomeRecord> {
  const skipped = (message: string, hint?: string): OutcomeRecord => ({
    ...anchorsProbe,
    outcome: 'skipped',
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const opened = await openEnvironment().catch((error: unknown) => {
    if (error instanceof UsageError) return skipped(messageOf(error), error.hint);
    throw error;
  });
  if ('outcome' in opened) return opened;
  const { ephemeral, name } = opened;
  if (ephemeral !== undefined && !(await ephemeral.isUp())) return skipped(`${name} is not up`);
  const noted = await attempt(() => anchors(opened).read(), signal);
  return judged(anchorsProbe, noted, (all) => verifyAnchors(entries, all));
}

function recordedRuns(archive: RunArchive): Promise<RecordedRun[]> {
  const open = new Map(archive.open().map((run) => [run.id, run]));
  return Promise.all(
    archive.list().map(async (id) => {
      const journal = archive.journal(id);
      const [lines, damage] = await Promise.all([journal.read(), journal.damage()]);
      return { id, lines, damage, alive: (open.get(id)?.life ?? 'gone') !== 'gone' };
    }),
  );
}

export async function runAuditExport({
  audit,
  report,
  options,
}: AuditContext & Pick<Context, 'options'>): Promise<void> {
  const entries = audit.read();
  const lines = entries.map((entry) => JSON.stringify(entry)).join('\n');
  const asLines: Block[] = entries.length === 0 ? [] : [{ type: 'code', text: lines }];
  await report({
    kind: 'audit.export',
    data: { entries },
    rows: entries,
    onlyShows: true,
    blocks: options.output === undefined ? asLines : [entryTable(entries)],
  });
}
