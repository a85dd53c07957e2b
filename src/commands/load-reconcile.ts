import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { reconcile } from '../load/reconcile/reconcile.ts';
import type { Reconciliation } from '../load/reconcile/reconciliation.ts';
import type { Report } from '../report/report.ts';
import type { Context } from './context.ts';

type ReconcileContext = Pick<Context, 'openEnvironment' | 'progress' | 'signal' | 'report'>;

export function loadReconcileCommand(context: ReconcileContext): Command {
  return new Command('reconcile')
    .description(
      'compare every acknowledged write of a load run with the database, also while the load still runs',
    )
    .argument('<ledger...>', 'ledger files, or the folders of load runs')
    .addHelpText(
      'after',
      `
Exits with 1 when something acknowledged is lost, changed, doubled or wrongly scored, or when something is stored that was
never sent; each is in the findings file beside the first ledger, with its line and its row.

Examples:
  examctl load reconcile examctl-runs/load-answers-20260105
  examctl load reconcile worker-1-ledger.ndjson worker-2-ledger.ndjson -e staging -o json`,
    )
    .action((places: string[]) => runLoadReconcile(places, context));
}

export async function runLoadReconcile(
  places: readonly string[],
  { openEnvironment, progress, signal, report }: ReconcileContext,
): Promise<void> {
  const ledgers = [...new Set(places.flatMap(ledgersAt))];
  const environment = await openEnvironment();
  progress.start(
    `comparing ${ledgers.length === 1 ? ledgers[0] : `${ledgers.length} ledgers`} with ${environment.name}`,
  );
  const began = performance.now();
  const reconciliation = await reconcile(ledgers, environment, {
    signal,
    onProgress: (done, of) => progress.update(progressText(done / of, performance.now() - began)),
  });
  progress.done(`${reconciliation.sessions} sessions compared`);
  await report(reconcileReport(reconciliation, ledgers));
}

function ledgersAt(place: string): string[] {
  const path = resolve(place);
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
    const ledgers = names.filter((name) => name.endsWith('ledger.ndjson')).sort();
    if (ledgers.length > 0) return ledgers.map((name) => join(path, name));
  } catch (cause) {
    throw new UsageError(`there is no ledger at ${place}: ${messageOf(cause)}`, {
      cause,
      hint: 'examctl load run answers --ledger says where its evidence is',
    });
  }
  throw new UsageError(`${place} has no file whose name ends in ledger.ndjson`, {
    hint: 'name the folder of a load run, or the ledger itself',
  });
}

function progressText(share: number, ms: number): string {
  const percent = `${Math.floor(share * 100)} %`;
  if (ms < 2_000 || share < 0.02) return percent;
  return `${percent}, about ${Math.ceil((ms / share - ms) / 1000)} s left`;
}

export function reconcileReport(reconciliation: Reconciliation, ledgers: readonly string[]): Report {
  const { counts, sessions, answers, submits, unknownWrites, named, findingsFile, parts } = reconciliation;
  const { stored, notStored, overwritten } = unknownWrites;
  const unclear = stored + notStored + overwritten;
  return {
    kind: 'load.reconcile',
    data: { ...reconciliation, ledgers },
    rows: named,
    outcomes: parts,
    exitCode: exitCodeOf([reconciliation.outcome]),
    blocks: [
      {
        type: 'text',
        text: `${sessions} sessions, ${answers} acknowledged answers, ${submits} acknowledged submits`,
      },
      ...(unclear === 0
        ? []
        : [
            {
              type: 'text',
              text: `${unclear} writes without a clear answer: ${stored} stored, ${notStored} not stored, ${overwritten} followed by an acknowledged one`,
            } as const,
          ]),
      {
        type: 'table',
        columns: [{ title: 'Finding' }, { title: 'Count', align: 'right' }, { title: 'Means' }],
        rows: Object.entries(counts).map(([what, count]) => [
          what,
          count,
          meanings[what as keyof typeof counts],
        ]),
      },
      { type: 'outcomes', outcomes: parts },
      ...(findingsFile === null ? [] : [{ type: 'text', text: `Each finding: ${findingsFile}` } as const]),
    ],
  };
}

const meanings: Readonly<Record<keyof Reconciliation['counts'], string>> = {
  lost: 'acknowledged, and not there',
  changed: 'there with another value that no other write explains',
  doubled: 'there twice, or submitted with two scores',
  ghost: 'there, and never sent, or rejected',
  'not-submitted': 'submit acknowledged, and the session is not submitted',
  'score-differs': 'the stored score is not the one that the student was told',
  'score-wrong': 'the stored score is not that of the stored answers',
};
