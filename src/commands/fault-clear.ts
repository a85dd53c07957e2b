import { findResidue, planClear } from '../faults/residue.ts';
import { planReport } from '../report/plan-report.ts';
import type { Context } from './context.ts';
import { recoverRuns } from './recover.ts';

type ClearContext = Pick<
  Context,
  'archive' | 'report' | 'openEnvironment' | 'operator' | 'progress' | 'options'
>;

/** What dead runs left is reverted by their journals; what is still there then, whoever made it, is undone as well. */
export async function runFaultClear(context: ClearContext): Promise<void> {
  const { archive, progress, options, report } = context;
  const environment = await context.openEnvironment();
  const here = archive.open().filter(({ identity }) => identity.environment === environment.name);
  const alive = here.filter(({ life }) => life !== 'gone');
  for (const { id } of alive)
    progress.note(`run ${id} is at work and reverts by itself; to end it now: examctl fault halt`);
  const dead = here.some(({ life }) => life === 'gone');
  if (dead && !options.dryRun) await recoverRuns(undefined, { ...context, report: async () => undefined });
  const residue = alive.length > 0 ? [] : await findResidue(environment);
  const plan = await planClear(environment, residue);
  if (options.dryRun) return report(planReport(plan));
  if (residue.length > 0) await context.operator(environment).run(plan);
  await report({
    kind: 'fault.clear',
    data: { environment: environment.name, recovered: dead, cleared: residue.map(({ target }) => target) },
    blocks: [
      ...(dead
        ? [{ type: 'text' as const, text: 'What runs that died had left is reverted and proven.' }]
        : []),
      {
        type: 'text',
        text:
          residue.length > 0
            ? `Undone, though no run on this machine says who made it: ${residue.map(({ target }) => target).join(', ')}`
            : 'Nothing else of a fault is there.',
      },
    ],
  });
}
