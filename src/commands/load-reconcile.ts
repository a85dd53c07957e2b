import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { FindingKind } from '../load/reconcile/judge-session.ts';
import { reconcile } from '../load/reconcile/reconcile.ts';
import type { Reconciliation } from '../load/reconcile/reconciliation.ts';
import type { Block, Report } from '../report/report.ts';
import type { AuditTrail, Context } from './context.ts';
import { declare } from './traits.ts';

type ReconcileContext = Pick<Context, 'openEnvironment' | 'progress' | 'signal' | 'report' | 'audit'>;

export function loadReconcileCommand(context: ReconcileContext): Command {
  return declare(new Command('reconcile'), { judges: true })
    .description(
      'compare every acknowledged write of a load run with the database, also while the load still runs',
    )
    .argument('[ledger...]', 'ledger files, or the folders of load runs; default: the latest load run')
    .addHelpText(
      'after',
      `
Exits with 1 when something acknowledged is lost, changed, doubled or wrongly scored, or when something is stored that was
never sent; each is in the findings file beside the first ledger, with its line and its row.

Examples:
  examctl load reconcile
  examctl load reconcile examctl-runs/load-answers-20260105
  examctl load reconcile worker-1-ledger.ndjson worker-2-ledger.ndjson -e staging -o json`,
    )
    .action((places: string[]) => runLoadReconcile(places, context));
}

export async function runLoadReconcile(
  places: readonly string[],
  { openEnvironment, progress, signal, report, audit }: ReconcileContext,
): Promise<void> {
  const environment = await openEnvironment();
  const named = places.length > 0 ? places : [latestLoadRun(audit, environment.name)];
  const ledgers = [...new Set(named.flatMap(ledgersAt))];
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

/** The folder of the latest load run, as it went on record. */
function latestLoadRun(audit: Pick<AuditTrail, 'read'>, environment: string): string {
  const folder = audit
    .read()
    .filter((entry) => entry.environment === environment && entry.action.startsWith('load run '))
    .findLast(({ details }) => typeof details.evidence === 'string')?.details.evidence;
  if (typeof folder === 'string') return folder;
  throw new UsageError(`there was no load run on ${environment}`, {
    hint: 'examctl load run answers makes one; or name a ledger, or the folder of a load run',
  });
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
      hint: 'examctl load run answers says where its evidence is',
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
  const { named, findingsFile, parts, sessions } = reconciliation;
  // where nothing was compared, zeros would read as "nothing is lost"
  const isCompared = sessions > 0 || findingsFile !== null;
  return {
    kind: 'load.reconcile',
    data: { ...reconciliation, ...(isCompared ? {} : { counts: null }), ledgers },
    rows: named,
    outcomes: parts,
    exitCode: exitCodeOf([reconciliation.outcome]),
    blocks: [
      ...(isCompared
        ? comparedBlocks(reconciliation)
        : [{ type: 'text', text: 'Nothing was compared with the database.' } as const]),
      { type: 'outcomes', outcomes: parts },
      ...(findingsFile === null ? [] : [{ type: 'text', text: `Each finding: ${findingsFile}` } as const]),
    ],
  };
}

function comparedBlocks({ counts, sessions, answers, submits, unknownWrites }: Reconciliation): Block[] {
  const { stored, notStored, overwritten } = unknownWrites;
  const unclear = stored + notStored + overwritten;
  return [
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
      rows: Object.entries(counts).map(([what, count]) => [what, count, meanings[what as FindingKind]]),
    },
  ];
}

const meanings: Readonly<Record<FindingKind, string>> = {
  lost: 'acknowledged, and not there',
  changed: 'there with another value that no other write explains',
  doubled: 'there twice, or submitted with two scores',
  ghost: 'there, and never sent, or rejected',
  'not-submitted': 'submit acknowledged, and the session is not submitted',
  'score-differs': 'the stored score is not the one that the student was told',
  'score-wrong': 'the stored score is not that of the stored answers',
};
