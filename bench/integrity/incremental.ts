import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { type Bench, type Figure, figure, median } from '../measure.ts';
import { openGenerated } from './generate.ts';
import { operatorOf } from './suite.ts';

/** Two rows each: the answer or the session, and its event. Together 1,000 rows. */
const inRound = { answers: 495, submits: 5 };
const changedRows = 2 * (inRound.answers + inRound.submits);
/** Few hand in, so that a round changes hardly more sessions than the one before it: the last two minutes are looked at again. */
const students = 600;
/** Students in exams are spared: between statements a run rests. */
const modes = ['EXAM', 'TUTOR'] as const;

/** What a check of what changed takes in a big database, while students are in an exam and while they practise. */
export const integrityIncremental: Bench = {
  id: 'integrity-incremental',
  title: `integrity check --incremental after ${changedRows.toLocaleString('en-GB')} changed rows, the whole process`,
  run: async ({ smoke }) => {
    const { sessions, rounds } = smoke ? { sessions: 1_000, rounds: 1 } : { sessions: 400_000, rounds: 10 };
    const generated = await openGenerated({
      sessions,
      settings: 'tuned',
      onProgress: (what) => console.error(what),
    });
    try {
      return await withCopy(generated.url, (url) =>
        measure(url, { sessions, rounds, planted: plantedChecks(generated.expected.findings) }),
      );
    } finally {
      await generated.stop();
    }
  },
};

interface Size {
  readonly sessions: number;
  readonly rounds: number;
  /** checks that fail by what is planted */
  readonly planted: readonly string[];
}

async function measure(url: string, { sessions, rounds, planted }: Size): Promise<Figure[]> {
  const operator = operatorOf(url);
  const platform = new pg.Client({ connectionString: url });
  await platform.connect();
  const check = async (exitCode: number, ...more: string[]) => {
    const { seconds, stdout } = await operator.run(['integrity', 'check', ...more, '-o', 'json'], {
      exitCode,
    });
    return { seconds, printed: JSON.parse(stdout) as Printed };
  };
  const checkChanges = async (exitCode: number) => {
    const { seconds, printed } = await check(exitCode, '--incremental');
    verifyThatItLooked(printed);
    return { seconds, printed };
  };
  try {
    const baseline = baselineOf(operator);
    await baseline.accept(planted);
    const sweep = await check(0, '--incremental');
    await baseline.remove(planted.filter((id) => !looksAtEverything.includes(id)));
    await change(platform, 'exam-in-progress', [students], students * 10);
    const seen = { EXAM: [] as number[], TUTOR: [] as number[] };
    for (const [index, mode] of modes.entries()) {
      await setMode(platform, mode);
      for (let round = 0; round < rounds; round += 1) {
        await changeRows(platform, index * rounds + round);
        seen[mode].push((await checkChanges(0)).seconds);
      }
    }
    await change(platform, 'lose-an-answer', [], 1);
    const { printed } = await checkChanges(1);
    verifyThatItFound(printed);

    const inSeconds = (what: string, of: readonly number[], goal: number | null) =>
      figure({
        name: `${sessions.toLocaleString('en-GB')} sessions: ${what}`,
        unit: 's',
        median: median(of),
        n: of.length,
        ratio: null,
        goal,
      });
    return [
      inSeconds('the full run that the others go on from', [sweep.seconds], null),
      inSeconds('after 1,000 changed rows, students are in an exam', seen.EXAM, 0.5),
      inSeconds('the slowest of these', [Math.max(...seen.EXAM)], null),
      inSeconds('after 1,000 changed rows, students practise', seen.TUTOR, 0.5),
    ];
  } finally {
    await platform.end();
    operator.remove();
  }
}

interface Printed {
  readonly incremental: { readonly kind: 'sweep' | 'changes' };
  readonly summary: { readonly sessions: number } | null;
  readonly outcomes: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly findings: number | null;
    readonly accepted: number;
  }[];
}

/** Whatever the window. */
const looksAtEverything: readonly string[] = ['answers-to-missing-questions'];

/** Nearly none of the generated answers has an event, and one check, which only warns, tells of each of them. */
function plantedChecks(findings: Readonly<Record<string, number>>): string[] {
  const ids = Object.keys(findings).filter((id) => (findings[id] ?? 0) > 0);
  return ids.filter((id) => !/^(classic|count)-/.test(id) && id !== 'unlogged-writes');
}

/** Only a good full run lets the next ones look at changes alone, so what is planted is accepted for it. */
function baselineOf({ run }: ReturnType<typeof operatorOf>) {
  const change = (verb: string, ids: readonly string[], ...more: string[]) =>
    run(['integrity', 'baseline', verb, ...ids.flatMap((id) => ['--check', id]), ...more], { exitCode: 0 });
  const until = new Date(Date.now() + 86_400_000).toISOString();
  return {
    accept: (ids: readonly string[]) =>
      change('accept', ids, '--until', until, '--owner', 'bench', '--reason', 'planted'),
    remove: (ids: readonly string[]) => change('remove', ids),
  };
}

async function setMode(platform: pg.Client, mode: (typeof modes)[number]): Promise<void> {
  await platform.query(
    "UPDATE test_sessions SET mode = $1 WHERE status = 'ACTIVE' AND expires_at > now() AND mode <> $1",
    [mode],
  );
}

async function changeRows(platform: pg.Client, round: number): Promise<void> {
  await change(platform, 'answers', [round, inRound.answers], inRound.answers);
  await change(platform, 'submits', [inRound.submits], inRound.submits);
}

/** `rows`: that the last part of the statement writes */
async function change(
  platform: pg.Client,
  name: string,
  values: readonly number[],
  rows: number,
): Promise<void> {
  const sql = readFileSync(join(packageRoot(), `bench/integrity/changes/${name}.sql`), 'utf8');
  const { rowCount } = await platform.query(sql, [...values]);
  if (rowCount !== rows) throw new Error(`"${name}" wrote ${rowCount} rows instead of ${rows}`);
}

function verifyThatItLooked({ incremental, summary, outcomes }: Printed): void {
  if (incremental.kind !== 'changes') throw new Error('the run was not one of changes');
  const sessions = summary?.sessions ?? 0;
  const changed = inRound.answers + inRound.submits;
  if (sessions < changed || sessions > students)
    throw new Error(`it looked at ${sessions} sessions, and ${changed} to ${students} have changed`);
  const unknown = outcomes.filter(({ outcome }) => outcome === 'unknown').map(({ id }) => id);
  if (unknown.length > 0) throw new Error(`it could not tell: ${unknown.join(', ')}`);
}

function verifyThatItFound({ outcomes }: Printed): void {
  const failed = outcomes.filter(({ outcome }) => outcome === 'fail');
  const [lost] = failed;
  if (failed.length === 1 && lost?.id === 'lost-answers' && lost.findings === 1) return;
  const words = failed.map(({ id, findings }) => `${id} ${findings}`);
  throw new Error(`one answer was lost, and it found: ${words.join(', ')}`);
}

const copyName = 'changing';

/** Of the generated database, which stays as it is. */
async function withCopy<T>(url: string, work: (url: string) => Promise<T>): Promise<T> {
  const copy = new URL(url);
  copy.pathname = `/${copyName}`;
  const outside = new URL(url);
  outside.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: outside.href });
  await admin.connect();
  try {
    // one that was interrupted may have left it
    await admin.query(`DROP DATABASE IF EXISTS ${copyName}`);
    // the other strategy writes everything into the write-ahead log first
    const template = new URL(url).pathname.slice(1);
    await admin.query(`CREATE DATABASE ${copyName} TEMPLATE ${template} STRATEGY file_copy`);
    return await work(copy.href);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${copyName} WITH (FORCE)`);
    await admin.end();
  }
}
