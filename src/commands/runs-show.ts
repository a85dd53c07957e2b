import { Command } from 'commander';
import { formatDuration } from '../config/duration.ts';
import type { JournalLine } from '../lifecycle/journal.ts';
import { type RunSummary, resultText, summaryOf } from '../lifecycle/run-summary.ts';
import { localTime, localZone } from '../report/local-time.ts';
import type { Block } from '../report/report.ts';
import type { Context } from './context.ts';

interface ShowOptions {
  readonly journal?: boolean;
}

type ShowContext = Pick<Context, 'archive' | 'report'>;

export function runsShowCommand(context: ShowContext): Command {
  return new Command('show')
    .argument('<run>', 'a run id, or its last four characters')
    .option('--journal', 'with every line of its journal')
    .description('show what a run did and how it ended')
    .addHelpText('after', '\nExamples:\n  examctl runs show 7f3a\n  examctl runs show 7f3a --journal')
    .action((id: string, options: ShowOptions) => runRunsShow(id, options, context));
}

export async function runRunsShow(
  wanted: string,
  { journal = false }: ShowOptions,
  { archive, report }: ShowContext,
): Promise<void> {
  const id = archive.find(wanted);
  const lines = await archive.journal(id).read();
  const damage = await archive.journal(id).damage();
  const summary = summaryOf(id, lines, archive.open().find((run) => run.id === id)?.life);
  const folder = archive.path(id);
  await report({
    kind: 'runs.show',
    version: 2,
    data: { ...summary, damage, folder, changes: changesOf(lines), journal: lines },
    rows: lines,
    onlyShows: true,
    blocks: [
      {
        type: 'heading',
        text: `${summary.operation ?? id} on ${summary.environment ?? '?'}: ${resultText(summary)}`,
      },
      ...(damage === null
        ? []
        : [{ type: 'text', text: `Its journal does not tell all: ${damage}.` } as const]),
      summaryTable(summary, lines, folder),
      ...changeBlocks(lines),
      journal ? journalTable(lines) : { type: 'text', text: `Every step: examctl runs show ${id} --journal` },
    ],
  });
}

function summaryTable(run: RunSummary, lines: readonly JournalLine[], folder: string): Block {
  const end = lines.findLast((line) => line.type === 'run.finished');
  const took = run.seconds === null ? '' : `, ${formatDuration(Math.round(run.seconds * 1000))}`;
  const rows: [string, string | null][] = [
    ['Run', run.run],
    ['By', run.actor],
    ['Reason', run.reason],
    ['Began', run.startedAt === null ? null : `${localTime(run.startedAt)} ${localZone()}${took}`],
    ['Ended', end === undefined ? resultText(run) : `${end.result}, by ${end.by}: ${end.message}`],
    ['Verdict', run.verdict],
    ['Folder', folder],
  ];
  const columns = [{ title: 'What' }, { title: 'Says' }];
  return { type: 'table', columns, rows: rows.filter(([, says]) => says !== null) };
}

type ChangeFate = 'kept' | 'reverted' | 'open';

/** Each change of the run, and what became of it. */
function changesOf(lines: readonly JournalLine[]): { change: number; target: string; fate: ChangeFate }[] {
  const kept = new Set(lines.flatMap((line) => (line.type === 'change.kept' ? [line.change] : [])));
  const reverted = new Set(
    lines.flatMap((line) =>
      line.type === 'revert.verified' && line.outcome.outcome === 'pass' ? [line.change] : [],
    ),
  );
  const fateOf = (change: number) => (kept.has(change) ? 'kept' : reverted.has(change) ? 'reverted' : 'open');
  return lines.flatMap((line) =>
    line.type === 'change.started'
      ? [{ change: line.change, target: line.target, fate: fateOf(line.change) } as const]
      : [],
  );
}

function changeBlocks(lines: readonly JournalLine[]): Block[] {
  const changes = changesOf(lines);
  if (changes.length === 0) return [{ type: 'text', text: 'It changed nothing.' }];
  return [
    {
      type: 'table',
      columns: [{ title: '#', align: 'right' }, { title: 'Changed' }, { title: 'Now' }],
      rows: changes.map(({ change, target, fate }) => [change, target, fate]),
    },
  ];
}

function journalTable(lines: readonly JournalLine[]): Block {
  return {
    type: 'table',
    columns: [{ title: 'Time' }, { title: 'What' }, { title: 'Details' }],
    rows: lines.map((line) => [line.at, line.type, detailsOf(line)]),
  };
}

function detailsOf(line: JournalLine): string {
  switch (line.type) {
    case 'run.started':
      return `${line.operation} on ${line.environment} by ${line.actor}@${line.host}, process ${line.pid}`;
    case 'plan.made':
      return `${line.plan.operation}: ${line.plan.changes.length} changes, digest ${line.plan.digest.slice(0, 16)}`;
    case 'change.started':
      return `#${line.change} ${line.target}: ${line.apply.kind}${line.deadline === null ? '' : `, reverted at the latest ${line.deadline}`}`;
    case 'change.verified':
    case 'revert.verified':
      return `#${line.change} ${line.outcome.outcome}: ${line.outcome.message}`;
    case 'revert.failed':
      return `#${line.change} ${line.message}`;
    case 'run.finished':
      return `${line.result}, by ${line.by}: ${line.message}`;
    default: {
      const { at: _, type: __, ...rest } = line;
      return JSON.stringify(rest);
    }
  }
}
