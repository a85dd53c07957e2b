import { faults } from '../faults/index.ts';
import { describeParameter } from '../faults/parameters.ts';
import { possibilityOf } from '../faults/possibility.ts';
import type { Context } from './context.ts';

/** Asks the driver about each: what can be done depends on the machine, not on the list. */
export async function runFaultList({
  openEnvironment,
  report,
}: Pick<Context, 'openEnvironment' | 'report'>): Promise<void> {
  const environment = await openEnvironment();
  const all = await Promise.all(
    faults.map(async (fault) => {
      const { id, title, expectation, nature, defaultSeconds, maxSeconds, parameters, alternatives, stopIf } =
        fault;
      const possibility = await possibilityOf(fault, environment);
      return {
        id,
        title,
        expectation,
        nature,
        defaultSeconds,
        maxSeconds,
        stopIf,
        parameters: parameters.map(describeParameter),
        possible: possibility.possible,
        how: possibility.possible ? possibility.how : null,
        whyNot: possibility.possible ? null : possibility.why,
        alternatives,
      };
    }),
  );
  const possible = all.filter((row) => row.possible).map(({ id }) => id);
  const rows = all.map((row) => ({
    ...row,
    alternatives: row.alternatives.filter((id) => possible.includes(id)),
  }));
  await report({
    kind: 'fault.list',
    data: { environment: environment.name, faults: rows },
    rows,
    blocks: [
      {
        type: 'table',
        columns: ['Fault', 'Here', 'What it does', 'What the platform should do', 'For', 'Parameters'].map(
          (title) => ({
            title,
          }),
        ),
        rows: rows.map(
          ({ id, possible, title, expectation, nature, defaultSeconds, maxSeconds, parameters }) => [
            id,
            possible ? 'possible' : 'no',
            title,
            expectation,
            nature === 'momentary' ? 'a moment' : `${defaultSeconds} s, at most ${maxSeconds} s`,
            parameters.join(', ') || '-',
          ],
        ),
      },
      ...impossibleBlocks(rows.filter(({ possible }) => !possible)),
    ],
  });
}

function impossibleBlocks(
  rows: readonly { id: string; whyNot: string | null; alternatives: readonly string[] }[],
) {
  if (rows.length === 0) return [];
  return [
    { type: 'heading' as const, text: 'Not possible here and now' },
    {
      type: 'list' as const,
      items: rows.map(({ id, whyNot, alternatives }) => {
        const instead =
          alternatives.length === 0 ? '' : `; about the same is shown by ${alternatives.join(', ')}`;
        return `${id}: ${whyNot}${instead}`;
      }),
    },
  ];
}
