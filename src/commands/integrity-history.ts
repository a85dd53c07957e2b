import { Command } from 'commander';
import { type Outcome, worst } from '../lifecycle/outcome.ts';
import { parseSavedRun, type SavedRun } from './check-history.ts';
import { parseCount } from './count-argument.ts';
import type { IntegrityContext } from './integrity-context.ts';

type HistoryContext = Pick<IntegrityContext, 'history' | 'openEnvironment' | 'report' | 'progress'>;

export function integrityHistoryCommand(context: HistoryContext): Command {
  return new Command('history')
    .description('show earlier runs of integrity check in this environment')
    .option('--limit <count>', 'how many, the latest first', parseCount, 20)
    .addHelpText(
      'after',
      `
Each integrity check is kept in the state folder, under integrity/<environment>: the newest 200 of an environment, with
at most 100 findings of a check. Runs with --identify are kept without findings.

Examples:
  examctl integrity history -e staging --limit 5
  examctl integrity history -o json | jq '.runs[0].outcomes'`,
    )
    .action((options: { limit: number }) => runIntegrityHistory(options, context));
}

export async function runIntegrityHistory(
  { limit }: { limit: number },
  { history, openEnvironment, report, progress }: HistoryContext,
): Promise<void> {
  const { name } = await openEnvironment();
  const runs = history
    .ids(name)
    .slice(0, limit)
    .flatMap((id) => {
      const text = history.read(name, id);
      // removed by a run that was kept meanwhile
      if (text === undefined) return [];
      try {
        return [entryOf(id, parseSavedRun(text, id))];
      } catch {
        progress.note(`${id} is damaged, or of another version: left out`);
        return [];
      }
    });
  const folder = history.folder(name);
  await report({
    kind: 'integrity.history',
    data: { environment: name, folder, runs },
    rows: runs,
    onlyShows: true,
    blocks:
      runs.length === 0
        ? [{ type: 'text', text: `No run of ${name} is kept; examctl integrity check makes one.` }]
        : [
            {
              type: 'table',
              columns: [
                { title: 'run' },
                { title: 'looked at' },
                { title: 'outcomes' },
                { title: 'findings', align: 'right' },
                { title: 'accepted', align: 'right' },
                { title: 'seconds', align: 'right' },
              ],
              rows: runs.map((run) => [
                run.id,
                run.scope ?? 'all sessions',
                countsInWords(run.outcomes),
                run.findings,
                run.accepted,
                (run.durationMs / 1000).toFixed(1),
              ]),
            },
            { type: 'text', text: folder },
          ],
  });
}

function entryOf(id: string, { startedAt, scope, durationMs, identified, outcomes: results }: SavedRun) {
  const looking = results.filter(({ severity }) => severity !== 'info');
  const sum = (amounts: readonly (number | null)[]) =>
    amounts.reduce<number>((total, amount) => total + (amount ?? 0), 0);
  return {
    id,
    startedAt,
    scope,
    outcome: worst(results.map(({ outcome }) => outcome)),
    outcomes: countsOf(results.map(({ outcome }) => outcome)),
    findings: sum(looking.map(({ findings }) => findings)),
    accepted: sum(looking.map(({ accepted }) => accepted)),
    durationMs,
    identified,
  };
}

type Counts = Readonly<Partial<Record<Outcome, number>>>;

/** The bad ones first. */
const order: readonly Outcome[] = ['fail', 'unknown', 'warn', 'pass', 'skipped'];

export function countsOf(outcomes: readonly Outcome[]): Counts {
  const counts = order.map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function countsInWords(counts: Counts): string {
  return Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}
