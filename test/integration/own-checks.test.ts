import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readCheckFile, sqlFilesAt } from '../../src/adapters/check-files.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { checkCatalogue } from '../../src/checks/index.ts';
import { ownChecks } from '../../src/checks/own-checks.ts';
import { planChecks, runChecks } from '../../src/checks/running/run-checks.ts';
import { explainPlan } from '../../src/checks/statements/explain-plan.ts';
import { findingsStatement, keysStatement, statementOf } from '../../src/checks/statements/statement.ts';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { packagedSources } from '../support/catalogue.ts';
import { type CheckDatabase, startCheckDatabase, withClient } from './check-database.ts';

let database: CheckDatabase;
let folder: string;
const packaged = await packagedSources();

beforeAll(async () => {
  database = await startCheckDatabase();
});
afterAll(() => database.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-own-'));
  return () => rmSync(folder, { recursive: true });
});

const header = (id: string) => `-- id: ${id}
-- title: each session starts in time
-- question: which sessions started late?
-- severity: major
-- finding: the student had less time
-- remedy: give the student more time
-- columns: session_id (the session)
-- cost: scan
`;
function write(file: string, text: string | Buffer): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}
const statement = (id: string, sql: string) => write(`${id}.sql`, `${header(id)}${sql}\n`);
async function ownOf() {
  const files = await Promise.all((await sqlFilesAt(folder)).map((file) => readCheckFile(file, folder)));
  return ownChecks(files, { packaged, facts: examPlatform.integrity });
}
async function optionsFor(only?: readonly string[], url = database.url) {
  const own = await ownOf();
  expect(own.doubled).toEqual([]);
  return {
    environment: { name: 'test', withPostgres: openPostgres(url), platform: examPlatform },
    catalogue: checkCatalogue('exam-platform', packaged, own.checks),
    students: pseudonymiser('a salt'),
    signal: new AbortController().signal,
    ...(only === undefined ? {} : { only }),
  };
}
const outcomesOf = async (only?: readonly string[], url?: string) =>
  Object.fromEntries(
    (await runChecks(await optionsFor(only, url))).outcomes.map((outcome) => [outcome.id, outcome]),
  );

const endsOthers =
  'SELECT pid::text AS session_id FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND pg_terminate_backend(pid)';

describe('a check of one’s own that lint calls wrong', () => {
  it('is never sent: who else is connected stays connected', async () => {
    statement('ends-others', endsOthers);
    const other = new pg.Client({ connectionString: database.url });
    let lost: Error | undefined;
    other.on('error', (error) => {
      lost = error;
    });
    await other.connect();
    onTestFinished(() => other.end());
    const options = await optionsFor(['ends-others']);
    const [check] = options.catalogue.checks.filter(({ id }) => id === 'ends-others');
    if (check === undefined) throw new Error('the check is not there');

    const { outcomes } = await runChecks(options);
    const plan = await planChecks(options);
    const explained = await explainPlan(check, { ...options, analyze: true });

    const reason = 'not asked, as its file is wrong: pg_terminate_backend() stops what others do (line 9)';
    const hint = 'examctl integrity lint ends-others.sql';
    expect(outcomes).toMatchObject([{ id: 'ends-others', outcome: 'unknown', message: reason, hint }]);
    expect(plan.problems).toMatchObject([{ check: { id: 'ends-others' }, error: { message: reason } }]);
    expect(plan.statements.flatMap(({ checks }) => checks).map(({ id }) => id)).not.toContain('ends-others');
    expect(explained).toMatchObject({ outcome: 'unknown', reason, hint });
    expect((await other.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(lost).toBeUndefined();
  });

  it('has no statement at all', async () => {
    statement('ends-others', endsOthers);
    const { checks } = await ownOf();
    const context = {
      views: [],
      facts: examPlatform.integrity,
      scope: null,
      schemas: new Map(),
      samples: 1,
      accepted: new Map(),
    };

    for (const check of checks) {
      expect(() => statementOf([check], context)).toThrow('pg_terminate_backend');
      expect(() => findingsStatement(check, context)).toThrow('pg_terminate_backend');
      expect(() => keysStatement(check, context, null)).toThrow('pg_terminate_backend');
    }
    expect(checks).toHaveLength(1);
  });

  it.each([
    ['SELECT pg_sleep(60) AS session_id', 'pg_sleep() waits while it holds the snapshot (line 9)'],
    ['DELETE FROM users', 'DELETE changes data (line 9)'],
    ['SELECT 1 AS session_id;\nSELECT 2', 'a second statement begins here (line 10)'],
    [
      'SELECT id AS session_id FROM test_sessions\nFOR UPDATE',
      'locks the rows that it reads: students who answer would wait (line 10)',
    ],
  ])('is unknown in the words of lint: %s', async (sql, words) => {
    statement('wrong', sql);
    const { wrong, 'unscored-sessions': sound } = await outcomesOf(['wrong', 'unscored-sessions']);

    expect(wrong).toMatchObject({ outcome: 'unknown', durationMs: 0 });
    expect(wrong?.message).toContain(words);
    expect(sound?.outcome).toBe('pass');
  });

  it('is unknown, and not skipped, in a run that leaves it to another one', async () => {
    statement('wrong', 'DELETE FROM users');
    const leaveOut = () => ({ reason: 'only in full runs', hint: 'wait' });
    const { outcomes } = await runChecks({ ...(await optionsFor(['wrong', 'lost-answers'])), leaveOut });

    expect(outcomes).toMatchObject([
      { id: 'lost-answers', outcome: 'skipped' },
      { id: 'wrong', outcome: 'unknown' },
    ]);
  });

  it('says what is wrong with it although no database can be asked', async () => {
    statement('wrong', 'DELETE FROM users');
    const { wrong, 'lost-answers': other } = await outcomesOf(undefined, 'postgres://127.0.0.1:1/none');

    expect(wrong?.message).toContain('DELETE changes data');
    expect(other).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('cannot be reached'),
    });
  });

  it('is unknown however little of its file can be read, and all others are made', async () => {
    write('zero.sql', '');
    write('photo.sql', Buffer.from([0xff, 0xd8, 0x00]));
    write('no-title.sql', `${header('no-title').replace(/-- title.*\n/, '')}SELECT 1 AS session_id\n`);
    write('later/deep.sql', `${header('deep')}SELECT id AS session_id FROM test_sessions WHERE false\n`);

    const outcomes = await outcomesOf();

    expect(outcomes.zero).toMatchObject({
      outcome: 'unknown',
      message: 'not asked, as its file is wrong: file: is empty (line 1)',
      hint: 'examctl integrity lint zero.sql',
    });
    expect(outcomes.photo?.message).toContain('is no text');
    expect(outcomes['no-title']?.message).toContain('title: is missing');
    expect(outcomes.deep?.outcome).toBe('pass');
    const others = Object.values(outcomes).filter(({ id }) => !['zero', 'photo', 'no-title'].includes(id));
    expect(others.map(({ outcome }) => outcome)).toEqual(others.map(() => 'pass'));
    expect(others.length).toBeGreaterThan(20);
  });

  it('keeps its suite, so that a run of it is not complete without it', async () => {
    write('no-title.sql', `-- suite: core\n${header('no-title').replace(/-- title.*\n/, '')}SELECT 1 AS a\n`);
    const run = await runChecks({ ...(await optionsFor()), suite: 'core' });

    expect(run.outcomes.find(({ id }) => id === 'no-title')?.outcome).toBe('unknown');
  });

  it('is told of when its id is that of a packaged one, or of another file', async () => {
    statement('lost-answers', 'SELECT 1 AS session_id');
    write('copy.sql', `${header('late-submits')}SELECT 1 AS session_id\n`);
    write('a/twin.sql', `${header('twin')}SELECT 1 AS session_id\n`);
    write('b/twin.sql', `${header('twin')}SELECT 1 AS session_id\n`);

    expect((await ownOf()).doubled).toEqual([
      expect.stringMatching(/^b\/twin\.sql:1 id: "twin" is the id of a\/twin\.sql too$/),
      expect.stringMatching(/^copy\.sql:1 id: "late-submits" is the id of .*late-submits\.sql too$/),
      expect.stringMatching(/^lost-answers\.sql:1 id: "lost-answers" is the id of .*lost-answers\.sql too$/),
    ]);
  });
});

describe('a statement that fails because of a row', () => {
  it('says which error, and not the row', async () => {
    statement('cast-mail', 'SELECT email::int::text AS session_id FROM users');
    const url = await database.copy(async () => undefined);
    await withClient(url, (client) => client.query(`UPDATE users SET email = 'mail-' || id || '@"x".local'`));
    const run = await runChecks(await optionsFor(['cast-mail'], url));
    const [result] = run.outcomes;

    expect(result?.outcome).toBe('unknown');
    expect(result?.message).toBe('invalid input syntax for type integer: "..." (22P02)');
    expect(JSON.stringify(run)).not.toContain('mail-');
  });

  it('says nothing of what a function raises', async () => {
    statement('raises', 'SELECT tell(email) AS session_id FROM users');
    const url = await database.copy(async () => undefined);
    await withClient(url, (client) =>
      client.query(`UPDATE test_sessions SET status = 'SUBMITTED', submitted_at = now();
        CREATE FUNCTION tell(who text) RETURNS text STABLE LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'no room for %', who USING DETAIL = who; END $$`),
    );
    const options = await optionsFor(['raises'], url);
    const run = await runChecks(options);
    const [check] = options.catalogue.checks.filter(({ id }) => id === 'raises');
    if (check === undefined) throw new Error('the check is not there');
    const explained = await explainPlan(check, { ...options, analyze: true });

    expect(run.outcomes[0]).toMatchObject({ outcome: 'unknown' });
    for (const told of [JSON.stringify(run.outcomes), JSON.stringify(explained)]) {
      expect(told).toContain('(P0001)');
      expect(told).not.toContain('no room');
      expect(told).not.toContain('@sandbox');
    }
  });
});
