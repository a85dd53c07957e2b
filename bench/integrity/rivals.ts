import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { readPackagedSql, type SqlFile } from '../../src/adapters/sql-files.ts';
import { loadPgtap } from './pgtap.ts';
import { findPsql, runPsql } from './psql.ts';

/** The planning document's eight, in its order; its summary is a ninth. */
const theEight = [
  'classic-orphaned-answers',
  'classic-duplicate-submits',
  'classic-missing-answers',
  'classic-unscored-sessions',
  'classic-answer-question-mismatch',
  'classic-orphaned-events',
  'classic-inconsistent-status',
  'classic-duplicate-mastery',
];

/** They print one row with a count, whatever it is. */
const counting = ['classic-orphaned-answers', 'classic-orphaned-events'];

const tables = [
  'test_sessions',
  'session_questions',
  'session_answers',
  'attempt_events',
  'user_theme_mastery',
];

export interface RivalRun {
  readonly seconds: number;
  /** by check, or rows by table */
  readonly found: Readonly<Record<string, number>>;
}

export type RivalOutcome = RivalRun | { readonly skipped: string };

const noPsql = { skipped: 'there is no psql in /usr/lib/postgresql/*/bin or on the PATH' };

/** As scripted: one psql, one file after the other, all rows fetched. */
export async function classicByPsql(url: string): Promise<RivalOutcome> {
  const psql = findPsql();
  if (psql === undefined) return noPsql;
  const files = await classicFiles();
  const found = zeros();
  let id = '';
  const args = files.flatMap((file) => ['-c', `\\echo == ${idOf(file)}`, '-f', file.file]);
  const seconds = await secondsOf(() =>
    runPsql(psql, {
      url,
      args,
      onLine: (line) => {
        if (line.startsWith('== ')) id = line.slice(3);
        else found[id] = counting.includes(id) ? Number(line) : (found[id] ?? 0) + 1;
      },
    }),
  );
  return { seconds, found };
}

/** The same statements, each as a test that expects no row, or the count 0. */
export async function classicByPgtap(url: string): Promise<RivalOutcome> {
  const psql = findPsql();
  if (psql === undefined) return noPsql;
  const problem = await loadPgtap(url);
  if (problem !== undefined) return { skipped: problem.missing };
  const folder = mkdtempSync(join(tmpdir(), 'examctl-bench-pgtap-'));
  const script = join(folder, 'classic.sql');
  writeFileSync(script, pgtapScript(await classicFiles()));
  const found = zeros();
  let id = '';
  try {
    const seconds = await secondsOf(() =>
      runPsql(psql, {
        url,
        args: ['-f', script],
        onLine: (line) => {
          id = /^(?:not )?ok \d+ - (\S+)$/.exec(line)?.[1] ?? id;
          const [, have] = /^# +have: (\d+)$/.exec(line) ?? [];
          if (have !== undefined) found[id] = Number(have);
          else if (/^# {9}\(/.test(line)) found[id] = (found[id] ?? 0) + 1;
        },
      }),
    );
    return { seconds, found };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pgtapScript(files: readonly SqlFile[]): string {
  const tests = files.map((file) => {
    const id = idOf(file);
    if (counting.includes(id)) return `SELECT is((\n${file.sql}\n), 0::bigint, '${id}');`;
    return `SELECT is_empty($test$\n${file.sql}\n$test$, '${id}');`;
  });
  return [
    'BEGIN;',
    'SET LOCAL search_path = public, pgtap;',
    `SELECT plan(${tests.length});`,
    ...tests,
    'SELECT * FROM finish();',
    'ROLLBACK;',
    '',
  ].join('\n');
}

/** What cannot be beaten by anybody who looks at every row: each table once, one after the other. */
export async function countTables(url: string): Promise<RivalRun> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const found: Record<string, number> = {};
  try {
    const seconds = await secondsOf(async () => {
      for (const table of tables) {
        const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
        found[table] = Number(rows[0]?.count);
      }
    });
    return { seconds, found };
  } finally {
    await client.end();
  }
}

async function classicFiles(): Promise<SqlFile[]> {
  const files = await readPackagedSql('exam-platform', 'classic');
  return theEight.map((id) => {
    const file = files.find((candidate) => idOf(candidate) === id);
    if (file === undefined) throw new Error(`there is no ${id}.sql`);
    return file;
  });
}

function idOf({ header }: SqlFile): string {
  return header.get('id')?.value ?? '';
}

function zeros(): Record<string, number> {
  return Object.fromEntries(theEight.map((id) => [id, 0]));
}

async function secondsOf(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return (performance.now() - begin) / 1000;
}
