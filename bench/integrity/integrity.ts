import { type Bench, type Figure, figure, median } from '../measure.ts';
import { openGenerated } from './generate.ts';
import { classicByPgtap, classicByPsql, countTables, type RivalOutcome } from './rivals.ts';
import { type SuiteRun, suiteRunner } from './suite.ts';

/** The checks against the scripts that they replace, and against the least that reading every row takes. */
export const integrity: Bench = {
  id: 'integrity',
  title: 'the checks, to count(*) of the five tables one after another',
  run: async ({ smoke }) => {
    if (smoke) return [...(await atSize(2_000, { rounds: 1, rivals: 1 })).figures];
    const small = await atSize(40_000, { rounds: 5, rivals: 0 });
    const large = await atSize(400_000, { rounds: 5, rivals: 1 });
    return [...small.figures, ...large.figures, ...growth(small, large)];
  },
};

interface Measured {
  readonly sessions: number;
  readonly figures: readonly Figure[];
  /** seconds, by suite */
  readonly medians: Readonly<Record<string, number>>;
}

/** What each suite may take, as a multiple of counting the tables. */
const goals: Readonly<Record<string, number | null>> = { verdicts: 3, core: 5, all: null };

async function atSize(
  sessions: number,
  { rounds, rivals }: { readonly rounds: number; readonly rivals: number },
): Promise<Measured> {
  const database = await openGenerated({
    sessions,
    settings: 'tuned',
    onProgress: (what) => console.error(what),
  });
  const suites = suiteRunner(database);
  try {
    const counting: number[] = [];
    const seen: Record<string, SuiteRun[]> = { verdicts: [], core: [], all: [] };
    // One round before, so that all that fits into memory is there.
    for (let round = -1; round < rounds; round += 1) {
      const { seconds } = await countTables(database.url);
      if (round >= 0) counting.push(seconds);
      for (const [suite, runs] of Object.entries(seen)) {
        const run = await suites.run(suite);
        if (round >= 0) runs.push(run);
      }
    }
    const limit = median(counting);
    const medians = Object.fromEntries(
      Object.entries(seen).map(([suite, runs]) => [suite, median(runs.map(({ seconds }) => seconds))]),
    );
    const name = (what: string) => `${sessions.toLocaleString('en-GB')} sessions: ${what}`;
    const figures = [
      figure({
        name: name('count(*) of each table'),
        unit: 's',
        median: limit,
        n: rounds,
        ratio: null,
        goal: null,
      }),
      ...Object.entries(medians).map(([suite, seconds]) =>
        figure({
          name: name(`integrity check, ${suite}`),
          unit: 's',
          median: seconds,
          n: rounds,
          ratio: seconds / limit,
          goal: sessions < 400_000 ? null : (goals[suite] ?? null),
        }),
      ),
      ...(await rivalFigures(rivals, { url: database.url, medians, name })),
      figure({
        name: name('memory of examctl, all'),
        unit: 'MB',
        median: Math.max(...(seen.all ?? []).map(({ megabytes }) => megabytes)),
        n: rounds,
        ratio: null,
        goal: 150,
      }),
    ];
    return { sessions, figures, medians };
  } finally {
    suites.remove();
    await database.stop();
  }
}

interface RivalOptions {
  readonly url: string;
  /** seconds, by suite */
  readonly medians: Readonly<Record<string, number>>;
  readonly name: (what: string) => string;
}

/**
 * The scripted eight take a minute at full size, so they run once; their ratios are to the same verdicts, and to the suite
 * that recounts every score besides.
 */
async function rivalFigures(rounds: number, { url, medians, name }: RivalOptions): Promise<Figure[]> {
  if (rounds === 0) return [];
  const rivals: [string, (url: string) => Promise<RivalOutcome>][] = [
    ['the eight as scripted, by psql', classicByPsql],
    ['the eight as pgTAP tests', classicByPgtap],
  ];
  const figures: Figure[] = [];
  for (const [what, run] of rivals) {
    const outcome = await run(url);
    if ('skipped' in outcome) {
      console.error(`${what}: skipped, ${outcome.skipped}`);
      continue;
    }
    for (const [suite, goal] of [
      ['verdicts', '; at least 20 is the goal'],
      ['core', ''],
    ] as const) {
      const ratio = outcome.seconds / (medians[suite] ?? Number.NaN);
      const text = name(`${what} (ratio to ${suite}${goal})`);
      figures.push(figure({ name: text, unit: 's', median: outcome.seconds, n: rounds, ratio, goal: null }));
    }
  }
  return figures;
}

/** Time for each session at the large size, to that at the small one. */
function growth(small: Measured, large: Measured): Figure[] {
  return Object.entries(large.medians).map(([suite, seconds]) => {
    const before = small.medians[suite] ?? Number.NaN;
    return figure({
      name: `growth of ${suite} for each session, ${small.sessions} to ${large.sessions}`,
      unit: 's',
      median: seconds,
      n: 1,
      ratio: seconds / large.sessions / (before / small.sessions),
      goal: 1.2,
    });
  });
}
