import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { type MergedLoad, mergeTallies } from '../load/merge-tallies.ts';
import { readTally } from '../load/tally-file.ts';
import type { Report } from '../report/report.ts';
import type { Context } from './context.ts';
import { endpointTable } from './load-report.ts';
import { declare } from './traits.ts';

export function loadMergeCommand(context: Pick<Context, 'report'>): Command {
  return declare(new Command('merge'), { judges: true })
    .description('judge load runs of several machines at the same time as one')
    .argument('<folder...>', 'the folders of their load runs')
    .addHelpText(
      'after',
      `
Histograms are added up, so that percentiles are those of all requests. The ledgers: examctl load reconcile <folder...>

Example:
  examctl load merge load-answers-machine-1 load-answers-machine-2`,
    )
    .action((folders: string[]) => runLoadMerge(folders, context));
}

export async function runLoadMerge(
  folders: readonly string[],
  { report }: Pick<Context, 'report'>,
): Promise<void> {
  const files = folders.flatMap(talliesAt);
  const merged = await mergeTallies(await Promise.all(files.map(readTally)));
  await report(mergedReport(merged));
}

function talliesAt(place: string): string[] {
  const path = resolve(place);
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('-tally.json'));
    if (names.length > 0) return names.sort().map((name) => join(path, name));
  } catch (cause) {
    throw new UsageError(`there is no load run at ${place}: ${messageOf(cause)}`, { cause });
  }
  throw new UsageError(`${place} has no file whose name ends in -tally.json`, {
    hint: 'name the folder that load run printed as its evidence',
  });
}

export function mergedReport(merged: MergedLoad): Report {
  const { scenario, machines, virtualStudents, requests, failed, perEndpoint, outcomes } = merged;
  return {
    kind: 'load.merge',
    data: merged,
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      {
        type: 'heading',
        text: `${scenario} by ${machines} machines: ${virtualStudents} students, ${requests} requests, ${failed} failed`,
      },
      endpointTable(perEndpoint),
      { type: 'outcomes', outcomes },
    ],
  };
}
