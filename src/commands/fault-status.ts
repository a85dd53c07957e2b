import { openChanges, plansAtWork, runFinish } from '../lifecycle/journal.ts';
import type { Context } from './context.ts';

interface Broken {
  readonly run: string;
  readonly operation: string;
  readonly environment: string;
  readonly target: string;
  /** ISO 8601 */
  readonly since: string;
  /** when its guardian reverts it at the latest; null: when its run ends */
  readonly until: string | null;
  readonly by: string;
  /** of its process; true where that cannot be seen */
  readonly alive: boolean;
  /** false: its process is on another host or in another container */
  readonly seen: boolean;
}

function lifeText({ alive, seen }: Broken): string {
  if (!seen) return 'elsewhere, cannot be seen from here';
  return alive ? 'alive: examctl fault halt' : 'dead: examctl recover';
}

/** What is broken right now, by the journals of the runs that are open on this machine. */
export async function runFaultStatus({
  archive,
  report,
}: Pick<Context, 'archive' | 'report'>): Promise<void> {
  const broken: Broken[] = [];
  const unknown: { run: string; damage: string }[] = [];
  for (const { id, identity, life } of archive.open()) {
    const damage = await archive.journal(id).damage();
    if (damage !== null) unknown.push({ run: id, damage });
    const lines = await archive.journal(id).read();
    for (const { target, at, deadline } of openChanges(lines)) {
      broken.push({
        run: id,
        operation: identity.operation,
        environment: identity.environment,
        target,
        since: at,
        until: deadline,
        by: identity.actor,
        alive: life !== 'gone' && runFinish(lines) === undefined,
        seen: life !== 'elsewhere',
      });
    }
    for (const { plan, number } of plansAtWork(lines).filter(({ open }) => open.length === 0)) {
      broken.push({
        run: id,
        operation: identity.operation,
        environment: identity.environment,
        target: `not proven to be as before ${plan?.operation ?? `plan ${number}`}`,
        since: lines.at(-1)?.at ?? '',
        until: null,
        by: identity.actor,
        alive: life !== 'gone' && runFinish(lines) === undefined,
        seen: life !== 'elsewhere',
      });
    }
  }
  await report({
    kind: 'fault.status',
    data: { broken, unknown },
    rows: broken,
    exitCode: unknown.length === 0 ? 0 : 3,
    blocks: [
      ...unknown.map(({ run, damage }) => ({
        type: 'text' as const,
        text: `What run ${run} has changed is not known: its journal cannot be trusted: ${damage}`,
      })),
      broken.length === 0
        ? {
            type: 'text' as const,
            text:
              unknown.length === 0
                ? 'Nothing is changed by the runs of this state folder right now.'
                : 'Nothing else is known to be changed.',
          }
        : {
            type: 'table' as const,
            columns: [
              'Environment',
              'What',
              'Target',
              'Since',
              'Until, at the latest',
              'By',
              'Run',
              'Its process',
            ].map((title) => ({
              title,
            })),
            rows: broken.map((row) => [
              row.environment,
              row.operation,
              row.target,
              row.since,
              row.until ?? 'its run ends',
              row.by,
              row.run,
              lifeText(row),
            ]),
          },
    ],
  });
}
