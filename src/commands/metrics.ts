import { join } from 'node:path';
import { Command } from 'commander';
import type { Capture, Collected } from '../collectors/capture.ts';
import { captureMetrics } from '../collectors/capture.ts';
import { cellText, figureText } from '../collectors/capture-summary.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';
import type { Context } from './context.ts';
import { parseSince } from './since-argument.ts';
import { declare } from './traits.ts';

export interface MetricsCaptureOptions {
  readonly folder?: string | undefined;
  /** default: ten minutes ago */
  readonly since?: Date;
}

const tenMinutes = 600_000;

export function metricsCommand(context: Context): Command {
  const metrics = new Command('metrics')
    .description('read the metrics of the platform')
    .addHelpText('after', '\nExample:\n  examctl metrics capture ./after-exam --since 3h');
  declare(metrics.command('capture'), { judges: true })
    .description('read all metrics of this moment, and the request log since a time, into a folder')
    .argument('[folder]', 'where to write (default: ./examctl-metrics-<time>)')
    .option(
      '--since <time>',
      'how far back the request log is read: 3h, or 2026-05-04T09:00Z (default: 10m)',
      parseSince,
    )
    .addHelpText(
      'after',
      `
Examples:
  examctl metrics capture                        the last 10 minutes
  examctl metrics capture ./after-exam --since 3h
  examctl metrics capture -o json | jq '.collectors[] | {id, result}'

Reading only; it adds five short queries, one INFO and two looks at each process.
Exit code 3 when a collector could not read what it reads.`,
    )
    .action((folder: string | undefined, options: Pick<MetricsCaptureOptions, 'since'>) =>
      runMetricsCapture({ folder, ...options }, context),
    );
  return metrics;
}

export async function runMetricsCapture(
  { folder, since }: MetricsCaptureOptions,
  {
    openEnvironment,
    progress,
    report,
    signal,
  }: Pick<Context, 'openEnvironment' | 'progress' | 'report' | 'signal'>,
): Promise<void> {
  const environment = await openEnvironment();
  const now = new Date();
  progress.start('reading metrics', 5);
  const capture = await captureMetrics({
    environment,
    folder: folder ?? join('.', `examctl-metrics-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`),
    since: since ?? new Date(now.getTime() - tenMinutes),
    signal,
    onProgress: (message) => progress.update(message),
  });
  progress.done();
  await report(metricsReport(capture));
}

export function metricsReport(capture: Capture): Report {
  const { outcomes, collectors, folder, environment, since, capturedAt } = capture;
  return {
    kind: 'metrics.capture',
    data: capture,
    rows: collectors,
    outcomes,
    blocks: [
      { type: 'heading', text: `Metrics of ${environment}` },
      { type: 'text', text: `${since.toISOString()} to ${capturedAt.toISOString()}` },
      ...collectors.filter(({ result }) => result === 'ok').flatMap(collectorBlocks),
      { type: 'outcomes', outcomes },
      { type: 'text', text: `written to ${folder} (summary.md, metrics.json, evidence/)` },
    ],
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
  };
}

function collectorBlocks({ title, figures, tables }: Collected): Block[] {
  return [
    { type: 'heading', text: title },
    {
      type: 'table',
      columns: [{ title: 'figure' }, { title: 'value', align: 'right' }],
      rows: figures.map((figure) => [figure.title, figureText(figure)]),
    },
    ...tables
      .filter(({ rows }) => rows.length > 0)
      .map(
        ({ columns, rows }): Block => ({
          type: 'table',
          columns: columns.map((name, index) =>
            typeof rows[0]?.[index] === 'number' ? { title: name, align: 'right' } : { title: name },
          ),
          rows: rows.map((row) => row.map((cell, index) => cellText(cell, columns[index] ?? ''))),
        }),
      ),
  ];
}
