import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { readSql } from '../../src/adapters/sql-files.ts';
import { lintChecks } from '../../src/checks/lint/lint-checks.ts';
import type { CheckFile } from '../../src/checks/lint/lint-file.ts';
import { formatLintProblem } from '../../src/checks/lint/problem.ts';
import { explainPlan } from '../../src/checks/statements/explain-plan.ts';
import { newCheck } from '../../src/checks/template.ts';
import { lintReport } from '../../src/commands/integrity-lint-report.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Refused } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { packagedFiles, packagedSources } from '../support/catalogue.ts';
import { type CheckDatabase, startCheckDatabase, withClient } from './check-database.ts';

let database: CheckDatabase;
const packaged = await packagedSources();

beforeAll(async () => {
  database = await startCheckDatabase();
  await withClient(database.url, (client) => client.query('ANALYZE'));
});
afterAll(() => database.stop());

const environmentOf = (url: string, withPostgres = openPostgres(url)) => ({
  name: 'staging',
  withPostgres,
  platform: examPlatform,
});
const lint = (files: readonly CheckFile[], environment = environmentOf(database.url)) =>
  lintChecks({
    files,
    others: [],
    packaged,
    facts: examPlatform.integrity,
    server: { environment, signal: new AbortController().signal },
  });

const header = {
  title: 'each session starts in time',
  question: 'which sessions started late?',
  severity: 'minor',
  finding: 'the student had less time',
  remedy: 'give the student more time',
  columns: 'session_id (the session)',
  cost: 'scan; one pass over test_sessions',
};
/** The statement begins at line 10, or at 9 + the number of fields more. */
function fileOf(sql: string, more: Record<string, string> = {}, id = 'late-starts'): CheckFile {
  const fields = Object.entries({ id, ...header, ...more });
  const text = `${fields.map(([key, value]) => `-- ${key}: ${value}\n`).join('')}\n${sql}\n`;
  const { header: read, sql: statement, problems } = readSql(text);
  return { file: `${id}.sql`, text, header: read, sql: statement, unreadable: problems };
}
async function problemsOf(sql: string, more?: Record<string, string>, url = database.url) {
  const { files, open } = await lint([fileOf(sql, more)], environmentOf(url));
  expect(open).toEqual([]);
  return files.flatMap(({ problems }) => problems);
}
const codesOf = async (sql: string, more?: Record<string, string>, url?: string) =>
  (await problemsOf(sql, more, url)).map(({ severity, line, code }) => `${severity} ${line} ${code}`);

describe('lint with a database', () => {
  it('finds nothing wrong with the checks that come with examctl', async () => {
    const { checks, classic } = await packagedFiles();
    const { files, open, sizes } = await lint([...checks, ...classic]);
    expect(files.flatMap(({ problems }) => problems).map(formatLintProblem)).toEqual([]);
    expect(open).toEqual([]);
    expect(sizes.get('public.test_sessions')).toBeGreaterThan(0);
  });

  it('finds nothing wrong with a new check but what is to be written', async () => {
    const { header: read, sql, problems } = readSql(newCheck('late-starts'));
    const file = {
      file: 'late-starts.sql',
      text: newCheck('late-starts'),
      header: read,
      sql,
      unreadable: problems,
    };
    const { files } = await lint([file]);
    expect(files[0]?.problems.map(({ code }) => code)).toEqual(Array(4).fill('unwritten'));
  });

  it('finds the line of what this server does not have', async () => {
    const [table] = await problemsOf(
      'SELECT s.id AS session_id\nFROM test_sessions s\nJOIN test_rooms r ON true',
    );
    expect(table).toMatchObject({ code: 'missing-table', severity: 'error', line: 12 });
    expect(table?.message).toContain('relation "test_rooms" does not exist (42P01)');
    expect(table?.hint).toContain('048_family_id');
    expect(await codesOf('SELECT s.id AS session_id, -- é 😀\n  s.room\nFROM test_sessions s')).toEqual([
      'error 11 missing-column',
    ]);
    expect(await codesOf('SELECT s.id AS session_id FROM test_sessions s\nWHERE is_late(s.id)')).toEqual([
      'error 11 missing-function',
    ]);
    expect(await codesOf('SELECT s.id AS session_id FROM test_sessions s\nWHERE s.id = 1 + 1')).toEqual([
      'error 11 missing-function',
    ]);
    expect(await codesOf('SELECT s.id AS session_id\nFROM test_sessions s\nWHERE WHERE')).toEqual([
      'error 12 not-understood',
    ]);
  });

  it('takes what the server says of a constant for an error of the check', async () => {
    const [problem] = await problemsOf(
      "SELECT s.id AS session_id\nFROM test_sessions s\nWHERE s.status = 'a;b'",
    );
    expect(problem).toMatchObject({ code: 'not-understood', severity: 'error', line: 12 });
    expect(problem?.message).toContain('invalid input value for enum session_status: "***" (22P02)');
    const { files, open } = await lint([
      fileOf("SELECT s.id AS session_id FROM test_sessions s\nWHERE 'x'::int = 1"),
    ]);
    expect(lintReport({ environment: 'staging', files, open, sizes: new Map() }).exitCode).toBe(1);
    expect(await codesOf('SELECT u.id AS session_id FROM users u WHERE WHERE')).toEqual([
      'error 10 not-understood',
    ]);
  });

  it('finds the mistake of a check that uses a shared view, in the check', async () => {
    expect(await codesOf('SELECT a.session_id\nFROM answers_by_session a\nWHERE a.blanks > 1')).toEqual([
      'error 12 missing-column',
    ]);
  });

  it('compares the returned columns with the declared ones', async () => {
    const columns = 'session_id (the session), started_at (start)';
    const both = 'SELECT s.id AS session_id, s.started_at FROM test_sessions s';
    expect(await codesOf(both, { columns })).toEqual([]);
    expect(await codesOf('SELECT id AS session_id FROM test_sessions', { columns })).toEqual([
      'error 7 columns',
    ]);
    expect(await codesOf(both)).toEqual(['warn 7 columns']);
    expect(await codesOf('SELECT started_at, id AS session_id FROM test_sessions', { columns })).toEqual([
      'warn 7 columns',
    ]);
    expect(await codesOf('SELECT id AS session_id, user_id AS session_id FROM test_sessions')).toEqual([
      'error 7 columns',
    ]);
  });

  it('wants a time in the column that tells when it happened', async () => {
    const columns = 'session_id (the session), at (when)';
    const sql = (at: string) => `SELECT id AS session_id, ${at} AS at FROM test_sessions`;
    expect(await codesOf(sql('started_at'), { columns, occurred: 'at' })).toEqual([]);
    expect(await codesOf(sql('started_at::date'), { columns, occurred: 'at' })).toEqual([]);
    expect(await codesOf(sql('started_at::text'), { columns, occurred: 'at' })).toEqual(['error 9 occurred']);
    expect(await codesOf(sql('total_questions'), { columns, occurred: 'at' })).toEqual(['error 9 occurred']);
  });

  it('warns of functions of this server that may write', async () => {
    const url = await database.copy(async () => undefined);
    await withClient(url, (client) =>
      client.query(`CREATE FUNCTION note(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'`),
    );
    const sql = 'SELECT id AS session_id FROM test_sessions\nWHERE note(id) AND now() > started_at';
    expect(await codesOf(sql, {}, url)).toEqual(['warn 11 volatile']);
  });

  it('carries no check out, and sends no write to the server', async () => {
    const sent: string[] = [];
    const open = openPostgres(database.url);
    const listening: Environment['withPostgres'] = (use, how) =>
      open(
        (postgres) =>
          use({
            query: (text, values) => {
              sent.push(text);
              return postgres.query(text, values);
            },
          }),
        how,
      );
    const endless = 'SELECT s.id AS session_id FROM test_sessions s, generate_series(1, 1000000000000) g';
    const files = [
      fileOf(endless),
      fileOf('DELETE FROM test_sessions RETURNING id AS session_id', {}, 'gone'),
    ];
    const { files: linted } = await lint(files, environmentOf(database.url, listening));

    expect(linted.map(({ problems }) => problems.map(({ code }) => code))).toEqual([[], ['writes']]);
    expect(sent.filter((text) => text.includes('generate_series')).length).toBeGreaterThan(1);
    expect(sent.filter((text) => text.includes('DELETE'))).toEqual([]);
  });

  it('leaves a check of a later revision open, and judges the others', async () => {
    const later = fileOf('SELECT room AS session_id FROM test_sessions', { revision: '050_rooms' }, 'rooms');
    const result = await lint([later, fileOf('SELECT room AS session_id FROM test_sessions')]);
    expect(result.open).toMatchObject([{ outcome: 'skipped', title: 'rooms.sql' }]);
    expect(result.files.map(({ problems }) => problems.length)).toEqual([0, 1]);
    expect(lintReport(result).exitCode).toBe(1);
  });

  it('calls unknown what it may not read, and judges the others', async () => {
    const url = await database.copy(async () => undefined);
    await withClient(url, async (client) => {
      await client.query("DROP ROLE IF EXISTS lint_reader; CREATE ROLE lint_reader LOGIN PASSWORD 'secret'");
      await client.query('GRANT SELECT ON test_sessions, alembic_version TO lint_reader');
    });
    const reader = new URL(url);
    reader.username = 'lint_reader';
    reader.password = 'secret';
    const files = [
      fileOf('SELECT session_id FROM session_answers', {}, 'answers'),
      fileOf('SELECT room AS session_id FROM test_sessions'),
    ];
    const result = await lint(files, environmentOf(reader.href));
    expect(result.open).toMatchObject([
      { outcome: 'unknown', title: 'answers.sql', message: expect.stringContaining('permission denied') },
    ]);
    expect(result.files.map(({ problems }) => problems.length)).toEqual([0, 1]);
    expect(lintReport({ ...result, files: result.files.slice(0, 1) }).exitCode).toBe(3);
  });

  it('without a reachable database tells what the files tell, and that the rest is unknown', async () => {
    const result = await lint(
      [fileOf('SELECT $1 AS session_id FROM test_sessions')],
      environmentOf('postgres://nobody@127.0.0.1:1/none'),
    );
    expect(result.files[0]?.problems.map(({ code }) => code)).toEqual(['parameter']);
    expect(result.open).toMatchObject([{ outcome: 'unknown', hint: expect.stringContaining('127.0.0.1:1') }]);
  });
});

describe('lint of plans, with 1.1 million rows', () => {
  let url: string;
  beforeAll(async () => {
    url = await database.copy(async () => undefined);
    await withClient(url, async (client) => {
      await client.query('CREATE UNLOGGED TABLE proctor_log (session_id uuid, n int)');
      await client.query('CREATE UNLOGGED TABLE proctor_frames (session_id uuid, n int)');
      const fill = (table: string, rows: number) =>
        client.query(
          `INSERT INTO ${table} SELECT md5((n % 50000)::text)::uuid, n FROM generate_series(1, ${rows}) n`,
        );
      await fill('proctor_log', 1_100_000);
      await fill('proctor_frames', 500_000);
      await client.query('CREATE INDEX ON proctor_log (session_id)');
      await client.query('CREATE INDEX ON proctor_log (n)');
      await client.query('CREATE INDEX ON proctor_frames (session_id)');
      await client.query('ANALYZE');
    });
  });

  it('finds the check that has no index for its window', async () => {
    const sql = (on: string) =>
      `SELECT s.id AS session_id\nFROM test_sessions s\nJOIN proctor_log p ON ${on}`;
    expect(await codesOf(sql('p.session_id = s.id'), {}, url)).toEqual([]);
    const [problem, ...others] = await problemsOf(sql('p.session_id::text = s.id::text'), {}, url);
    expect(problem).toMatchObject({ code: 'no-index-for-window', severity: 'warn', line: 12 });
    expect(problem?.message).toMatch(
      /^even for one session the plan reads all of proctor_log \(1,1\d\d,\d{3} rows\)/,
    );
    expect(others).toEqual([]);
    expect(await codesOf(sql('p.session_id::text = s.id::text'), { window: 'none' }, url)).toEqual([]);
  });

  it('finds a join of two big tables many-to-many', async () => {
    const joined = (on: string) =>
      `SELECT p.session_id\nFROM proctor_log p\nJOIN proctor_frames f ON ${on}\nJOIN test_sessions s ON s.id = p.session_id`;
    const twice = `SELECT p.session_id, count(*) AS pairs\nFROM proctor_log p\nJOIN proctor_frames f ON f.session_id = p.session_id\nGROUP BY 1`;
    const columns = 'session_id (the session), pairs (pairs)';
    const [problem, ...others] = await problemsOf(twice, { columns, window: 'none' }, url);
    expect(problem).toMatchObject({ code: 'many-to-many', severity: 'warn', key: 'statement' });
    expect(problem?.message).toMatch(
      /^joins .*proctor_.* rows\) with .*proctor_.* rows\) into \d\d?,\d{3},\d{3} rows$/,
    );
    expect(others).toEqual([]);
    expect(await codesOf(joined('f.n = p.n'), { window: 'none' }, url)).toEqual([]);
  });

  it('finds a cost class that the plan contradicts', async () => {
    const all = 'SELECT max(session_id::text) AS session_id\nFROM proctor_log';
    const few = 'SELECT session_id FROM proctor_log WHERE n = 5';
    const first = 'SELECT max(n) AS session_id FROM proctor_log';
    const [problem] = await problemsOf(all, { cost: 'index; few', window: 'none' }, url);
    expect(problem).toMatchObject({ code: 'cost', severity: 'warn', line: 8, key: 'cost' });
    for (const sql of [few, first])
      expect(await codesOf(sql, { cost: 'index; few', window: 'none' }, url)).toEqual([]);
    expect(await codesOf(all, { cost: 'scan; all', window: 'none' }, url)).toEqual([]);
  });

  it('says when a table was never analyzed, as its plan cannot be judged', async () => {
    await withClient(url, (client) => client.query('CREATE TABLE fresh (session_id uuid)'));
    const result = await lint(
      [fileOf('SELECT session_id FROM fresh', { window: 'none' })],
      environmentOf(url),
    );
    const [text] = lintReport(result).blocks;
    expect(text).toMatchObject({
      text: expect.stringContaining('never analyzed, so that plans could not be judged by it: public.fresh'),
    });
  });
});

describe('the plan that explain shows', () => {
  const explain = (url: string, analyze = false) => {
    const check = database.checks.find(({ id }) => id === 'correctness-flag');
    if (check === undefined) throw new Error('no such check');
    const { catalogue } = database;
    const environment = environmentOf(url);
    return explainPlan(check, { environment, catalogue, analyze, signal: new AbortController().signal });
  };

  it('has cost, expected rows and the lines of EXPLAIN, and is not carried out', async () => {
    const plan = await explain(database.url);
    expect(plan).toMatchObject({ outcome: 'pass', environment: 'staging', analyzed: false });
    if (plan.outcome !== 'pass') return;
    expect(plan.cost).toBeGreaterThan(0);
    expect(plan.text.join('\n')).toContain('session_answers');
    expect(plan.text.join('\n')).not.toContain('actual time');
  });

  it('is carried out with analyze only while no student is in an exam', async () => {
    const live = await database.copy(async () => undefined);
    const idle = await database.copy(async () => undefined);
    await withClient(live, (client) =>
      client.query(
        "UPDATE test_sessions SET status = 'ACTIVE', mode = 'EXAM', expires_at = now() + interval '1 hour' WHERE id = (SELECT id FROM test_sessions LIMIT 1)",
      ),
    );
    await withClient(idle, (client) =>
      client.query("UPDATE test_sessions SET expires_at = now() WHERE status = 'ACTIVE'"),
    );
    await expect(explain(live, true)).rejects.toThrow(Refused);
    expect(await explain(live)).toMatchObject({ outcome: 'pass' });
    const plan = await explain(idle, true);
    expect(plan).toMatchObject({ outcome: 'pass', analyzed: true });
    if (plan.outcome === 'pass') expect(plan.text.join('\n')).toContain('actual time');
  });

  it('is not carried out when it cannot be seen who is in an exam', async () => {
    const url = await database.copy(async () => undefined);
    await withClient(url, (client) => client.query('ALTER TABLE test_sessions RENAME COLUMN mode TO kind'));
    await expect(explain(url, true)).rejects.toThrow(/could not be asked/);
  });

  it('is unknown, with the reason, without a database or what it reads', async () => {
    expect(await explain('postgres://nobody@127.0.0.1:1/none')).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('cannot be reached'),
    });
    const url = await database.copy(async () => undefined);
    await withClient(url, (client) => client.query('DROP TABLE session_answers CASCADE'));
    expect(await explain(url)).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('"session_answers" does not exist'),
    });
  });
});
