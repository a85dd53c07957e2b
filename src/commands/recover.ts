import { Command } from 'commander';
import { OperationFailed, Refused } from '../lifecycle/errors.ts';
import { openChanges } from '../lifecycle/journal.ts';
import type { Recovery } from '../lifecycle/recover.ts';
import { cannotBeSeen, type OpenRun, type RunArchive } from '../lifecycle/run-archive.ts';
import type { Report } from '../report/report.ts';
import type { Context } from './context.ts';
import { declare } from './traits.ts';

export function recoverCommand(context: Context): Command {
  return declare(new Command('recover'), { changes: true, dryRun: true })
    .argument('[run]', 'a run id, or its last four characters; without it, every run that died')
    .option(
      '--accept',
      'what differs from the state before is meant so: take it as it is once the reverts are proven',
      false,
    )
    .description('undo what a run left behind when its process died')
    .addHelpText(
      'after',
      '\nExamples:\n  examctl recover\n  examctl recover 20261122T101500-fault-inject-redis-outage-7f3a',
    )
    .action((run: string | undefined, { accept }: { accept: boolean }) =>
      recoverRuns(run, context, { acceptsState: accept }),
    );
}

type RecoverContext = Pick<
  Context,
  'archive' | 'report' | 'openEnvironment' | 'operator' | 'progress' | 'options'
>;

export async function recoverRuns(
  wanted: string | undefined,
  context: RecoverContext,
  options: { readonly acceptsState?: boolean } = {},
): Promise<void> {
  const { archive } = context;
  const id = wanted === undefined ? undefined : archive.find(wanted);
  const open = archive.open().filter((run) => id === undefined || run.id === id);
  const { breakGlass, reason, dryRun } = context.options;
  const unseen = open.filter(({ life }) => life === 'elsewhere' && !(breakGlass && reason));
  if (id !== undefined && unseen[0] !== undefined) throw cannotBeSeen(unseen[0]);
  for (const run of unseen) context.progress.note(`warning: ${cannotBeSeen(run).message}; it is left alone`);
  const alive = open.filter(({ life }) => life === 'alive');
  if (id !== undefined && alive.length > 0) {
    throw new Refused(`run ${id} is at work (process ${alive[0]?.identity.pid})`, {
      hint: 'end it with Ctrl-C or SIGTERM: it reverts',
    });
  }
  for (const run of alive) context.progress.note(`run ${run.id} is at work; it is left alone`);
  const recovered: Recovery[] = [];
  const dead = open.filter((run) => !alive.includes(run) && !unseen.includes(run));
  if (dryRun) return context.report(await recoveryPlan(dead, archive));
  for (const { id: run, identity } of dead) {
    const environment = await context.openEnvironment(identity.environment);
    recovered.push(await context.operator(environment).recover(run, options));
  }
  await reportRecoveries(recovered, context);
  const left = recovered.flatMap((recovery) => recovery.left);
  if (left.length === 0) return;
  throw new OperationFailed(
    `not undone: ${left.map(({ target, message }) => `${target} (${message})`).join('; ')}`,
    {
      reverted: false,
      hint: 'a person must act now; when the cause is mended: examctl recover; when what differs is meant so: examctl recover --accept',
    },
  );
}

/** What would be undone, the latest first, by what the journals say. */
async function recoveryPlan(runs: readonly OpenRun[], archive: RunArchive): Promise<Report> {
  const rows = [];
  for (const { id: run, identity } of runs) {
    const damage = await archive.journal(run).damage();
    const changes = openChanges(await archive.journal(run).read()).map(({ target, revert }) => ({
      target,
      wayBack: revert?.kind ?? null,
    }));
    rows.push({ run, environment: identity.environment, changes, damage });
  }
  return {
    kind: 'recover.plan',
    data: { runs: rows },
    rows,
    exitCode: rows.some(({ damage }) => damage !== null) ? 3 : 0,
    blocks:
      rows.length === 0
        ? [{ type: 'text', text: 'There is nothing to recover.' }]
        : [
            ...rows.flatMap(({ run, damage }) =>
              damage === null
                ? []
                : [
                    {
                      type: 'text' as const,
                      text: `What run ${run} left is not known: its journal cannot be trusted: ${damage}`,
                    },
                  ],
            ),
            {
              type: 'table',
              columns: ['Run', 'Environment', 'Would be undone', 'By'].map((title) => ({ title })),
              rows: rows.flatMap(({ run, environment, changes }) =>
                changes.length === 0
                  ? [[run, environment, 'nothing is open; it would be closed', null]]
                  : changes.map(({ target, wayBack }) => [
                      run,
                      environment,
                      target,
                      wayBack ?? 'nothing: it has no way back',
                    ]),
              ),
            },
          ],
  };
}

async function reportRecoveries(recovered: readonly Recovery[], { report }: RecoverContext): Promise<void> {
  const rows = recovered.map(({ run, open, left }) => ({
    run,
    undone: open.filter((target) => left.every((one) => one.target !== target)),
    left: left.map(({ target, message }) => `${target}: ${message}`),
  }));
  await report({
    kind: 'recover',
    data: { runs: rows },
    rows,
    blocks:
      rows.length === 0
        ? [{ type: 'text', text: 'No run has died: there is nothing to recover.' }]
        : [
            {
              type: 'table',
              columns: [{ title: 'Run' }, { title: 'Undone and proven' }, { title: 'Left' }],
              rows: rows.map(({ run, undone, left }) => [
                run,
                undone.join(', ') || 'nothing was open',
                left.join(', ') || '-',
              ]),
            },
          ],
  });
}
