import { Command, Option } from 'commander';
import { formatDuration } from '../config/duration.ts';
import { type RunState, type RunSummary, resultText, summaryOf } from '../lifecycle/run-summary.ts';
import { localTime, localZone } from '../report/local-time.ts';
import type { Block } from '../report/report.ts';
import type { Context } from './context.ts';
import { parseCount } from './count-argument.ts';
import { parseSince } from './since-argument.ts';

/** What --result takes, and which runs it means. */
const results: Readonly<Record<string, (run: RunSummary) => boolean>> = {
  go: ({ verdict }) => verdict === 'GO',
  'no-go': ({ verdict }) => verdict === 'NO-GO',
  inconclusive: ({ verdict }) => verdict === 'INCONCLUSIVE',
  done: ({ state }) => state === 'done',
  failed: ({ state }) => (['failed-reverted', 'failed-not-reverted'] as RunState[]).includes(state),
  interrupted: ({ state }) => state === 'interrupted',
  open: ({ state, open }) => ['at-work', 'elsewhere', 'died'].includes(state) || open.length > 0,
};

interface ListOptions {
  readonly limit: number;
  readonly since?: Date;
  readonly operation?: string;
  readonly result?: string;
}

type ListContext = Pick<Context, 'archive' | 'report' | 'options'>;

export function runsListCommand(context: ListContext): Command {
  return new Command('list')
    .option('--limit <count>', 'how many, the latest first', parseCount, 20)
    .option('--since <time>', 'only those that began since: 2026-05-04T09:00Z, or 3h', parseSince)
    .option('--operation <text>', 'only those whose operation holds this: rehearse, fault, "exam-mode on"')
    .addOption(new Option('--result <result>', 'only those that ended so').choices(Object.keys(results)))
    .description(
      'show the latest runs, how long they took and how they ended; with -e those of one environment',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  examctl runs list --operation rehearse --since 7d\n  examctl runs list -e prod --result open',
    )
    .action((options: ListOptions) => runRunsList(options, context));
}

export async function runRunsList(
  { limit, since, operation = '', result }: ListOptions,
  { archive, report, options }: ListContext,
): Promise<void> {
  const lives = new Map(archive.open().map(({ id, life }) => [id, life]));
  const isWanted = (run: RunSummary) =>
    (options.env === undefined || run.environment === options.env) &&
    (since === undefined || (run.startedAt !== null && new Date(run.startedAt) >= since)) &&
    (run.operation ?? '').includes(operation) &&
    (result === undefined || (results[result]?.(run) ?? false));
  const runs: RunSummary[] = [];
  for (const id of archive.list()) {
    if (runs.length === limit) break;
    const run = summaryOf(id, await archive.journal(id).read(), lives.get(id));
    if (isWanted(run)) runs.push(run);
  }
  await report({
    kind: 'runs.list',
    version: 2,
    data: { runs },
    rows: runs,
    onlyShows: true,
    blocks: [runs.length === 0 ? { type: 'text', text: 'No run is kept that fits.' } : runTable(runs)],
  });
}

function runTable(runs: readonly RunSummary[]): Block {
  const titles = ['Run', `Began (${localZone()})`, 'Operation', 'On', 'By', 'Took', 'Result'];
  const ids = runs.map(({ run }) => run);
  return {
    type: 'table',
    columns: titles.map((title) => ({ title })),
    rows: runs.map((run) => [
      shortId(run.run, ids),
      run.startedAt === null ? null : localTime(run.startedAt),
      run.operation,
      run.environment,
      run.actor,
      run.seconds === null ? null : formatDuration(Math.round(run.seconds) * 1000),
      resultText(run),
    ]),
  };
}

/** The last four characters, by which it is told on the phone; the whole where they are not enough. */
function shortId(run: string, all: readonly string[]): string {
  const short = run.slice(-4);
  return all.filter((other) => other.endsWith(short)).length === 1 ? short : run;
}
