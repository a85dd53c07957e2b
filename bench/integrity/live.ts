import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentileOf } from '../../src/load/latency.ts';
import type { Sample } from '../../src/load/sample.ts';
import type { ProfileName } from '../../src/load/scenario.ts';
import { answers } from '../../src/load/scenarios/answers.ts';
import { seededRandom } from '../../src/load/seeded-random.ts';
import { openSandbox } from '../../src/sandbox/access.ts';
import { type Bench, type Figure, figure, Installed, median } from '../measure.ts';
import { fillPlatform } from './generate.ts';

interface Size {
  /** that are over, beside those of the load */
  readonly sessions: number;
  readonly profile: ProfileName;
  readonly students: number;
  readonly seconds: number;
  /** of the first window without checks, and at least of each with them */
  readonly windowSeconds: number;
}

/** What students in an exam feel of checks that follow one another without a pause. */
export const integrityLive: Bench = {
  id: 'integrity-live',
  title: 'p95 of students answering while the checks run again and again, to that of the seconds between',
  run: async ({ smoke }) => {
    const size: Size = smoke
      ? { sessions: 2_000, profile: 'smoke', students: 20, seconds: 20, windowSeconds: 2 }
      : { sessions: 40_000, profile: 'exam-day', students: 300, seconds: 300, windowSeconds: 10 };
    const examctl = new Installed();
    try {
      await examctl.run(['sandbox', 'up', '--students', String(size.students + 20)]);
      await fillPlatform(openSandbox(examctl.state).databaseUrl, {
        sessions: size.sessions,
        onProgress: (what) => console.error(what),
      });
      return figuresOf(await examWithChecks(examctl, size, smoke), size);
    } finally {
      await examctl.remove();
    }
  },
};

interface Window {
  /** milliseconds since 1970 */
  readonly from: number;
  readonly to: number;
  readonly checked: boolean;
}

interface Exam {
  readonly windows: readonly Window[];
  /** seconds that each run of the checks took */
  readonly runs: readonly number[];
  readonly measured: readonly Sample[];
}

async function examWithChecks(examctl: Installed, size: Size, smoke: boolean): Promise<Exam> {
  const { profile, students, seconds } = size;
  const load = ['--profile', profile, '--students', `${students}`, '--duration', `${seconds}s`];
  let over = false;
  // other benches slow a smoke run's load: its limits may be crossed, or nobody can tell whether they hold
  const exitCodes = smoke ? [0, 1, 3] : [0];
  const exam = examctl
    .run(['load', 'run', 'answers', ...load, '--engine', 'builtin'], { exitCodes })
    .finally(() => {
      over = true;
    });
  // It is waited for at the end; until then its failure only ends the windows.
  exam.catch(() => undefined);
  const windows: Window[] = [];
  const runs: number[] = [];
  let quiet = size.windowSeconds * 1_000;
  // Whoever starts late on a busy machine begins to measure late.
  while (!over && measuredIn(examctl.state).length === 0) await sleep(500);
  while (!over) {
    const length = quiet;
    windows.push(await window(false, () => sleep(length)));
    const checked = await window(true, async () => runs.push(...(await checksFor(examctl, size))));
    windows.push(checked);
    // The same number of answers in both.
    quiet = checked.to - checked.from;
  }
  await exam;
  return { windows, runs, measured: measuredIn(examctl.state) };
}

async function window(checked: boolean, pass: () => Promise<unknown>): Promise<Window> {
  const from = Date.now();
  await pass();
  return { from, to: Date.now(), checked };
}

/** The last run is not cut short, so that it is still in its window when it ends. */
async function checksFor(examctl: Installed, { windowSeconds }: Size): Promise<number[]> {
  const end = Date.now() + windowSeconds * 1_000;
  const runs: number[] = [];
  while (Date.now() < end) {
    const begin = performance.now();
    await examctl.run(['integrity', 'check']);
    runs.push((performance.now() - begin) / 1_000);
  }
  return runs;
}

/** The answers that count, until now; the last line may not be written yet. */
function measuredIn(folder: string): Sample[] {
  const name = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((file) =>
    file.endsWith(`${answers.id}-samples.ndjson`),
  );
  if (name === undefined) return [];
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Sample)
    .filter(({ phase, endpoint }) => phase === 'measured' && endpoint === 'answer');
}

function figuresOf({ windows, runs, measured }: Exam, { sessions, students }: Size): Figure[] {
  if (measured.length === 0) throw new Error('the load measured nothing');
  const failed = measured.filter(({ status }) => status !== 200);
  if (failed.length > 0) throw new Error(`${failed.length} of ${measured.length} answers failed`);
  const latencies = ({ from, to }: Window) =>
    measured.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);
  // the load may have ended in the middle of the last ones
  const answered = (isChecked: boolean) =>
    windows
      .filter(({ checked }) => checked === isChecked)
      .map(latencies)
      .filter((answers) => answers.length > 0);
  const quiet = answered(false);
  const checked = answered(true);
  const quietP95 = p95(quiet);
  const name = (what: string) =>
    `${students} students, ${sessions.toLocaleString('en-GB')} sessions: ${what}`;
  const inMilliseconds = (what: string, of: readonly number[][], ratio: number | null, goal: number | null) =>
    figure({ name: name(what), unit: 'ms', median: p95(of), n: of.flat().length, ratio, goal });
  return [
    inMilliseconds('p95 of answers, no checks', quiet, null, null),
    inMilliseconds('p95 of answers, checks all the time', checked, p95(checked) / quietP95, 1.1),
    // On a busy machine a short run has one window without checks, which cannot be dealt.
    ...(quiet.length < 2
      ? []
      : [inMilliseconds('p95, no checks; the ratio is that of chance', quiet, ratioByChance(quiet), null)]),
    figure({
      name: name('one integrity check'),
      unit: 's',
      median: median(runs),
      n: runs.length,
      ratio: null,
      goal: null,
    }),
  ];
}

function p95(windows: readonly number[][]): number {
  return percentileOf(windows.flat(), 95) ?? Number.NaN;
}

/**
 * Windows without checks, dealt into two at random, differ too: of a thousand deals the ratio that 95 of 100 stay below.
 * Whole windows, as what disturbs one answer disturbs those beside it.
 */
function ratioByChance(windows: readonly number[][]): number {
  const random = seededRandom(1);
  const ratios = Array.from({ length: 1_000 }, () => {
    const dealt = windows
      .map((window) => ({ window, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ window }) => window);
    const half = Math.floor(dealt.length / 2);
    return p95(dealt.slice(half)) / p95(dealt.slice(0, half));
  });
  return percentileOf(ratios, 95) ?? Number.NaN;
}
