import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/adapters/postgres.ts';
import type { Check } from '../../src/checks/check.ts';
import { planChecks, type RunChecksOptions } from '../../src/checks/running/run-checks.ts';
import { scopeOf, type WindowOptions } from '../../src/checks/statements/windows.ts';
import { checkPlanReport } from '../../src/commands/integrity-plan-report.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { exitCodeOf } from '../../src/lifecycle/outcome.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { seed } from '../../src/sandbox/seed.ts';
import {
  type CheckDatabase,
  ownCheck,
  startCheckDatabase,
  withClient,
  withDatabase,
} from './check-database.ts';

describe('a run of checks', () => {
  let database: CheckDatabase;
  beforeAll(async () => {
    database = await startCheckDatabase();
  });
  afterAll(() => database.stop());

  const withChecks = (checks: readonly Check[]) => ({ ...database.catalogue, checks });

  const outcomesOf = async (url: string, options: Partial<RunChecksOptions> = {}) =>
    Object.fromEntries((await database.run(url, options)).outcomes.map((result) => [result.id, result]));

  it('keeps twenty samples and counts all findings', async () => {
    const url = await database.copy(async ({ session }) => {
      for (let index = 0; index < 23; index += 1) await session({ endedMinutesAgo: 5 });
    });

    const { 'overdue-sessions': result } = await outcomesOf(url);

    expect(result).toMatchObject({ outcome: 'warn', findings: 23 });
    expect(result?.samples).toHaveLength(20);
    expect(result?.message).toMatch(/^23 findings in 30 sessions: /);
  });

  it('names students by pseudonyms, and by their ids only when told to', async () => {
    let student = '';
    const url = await database.copy(async ({ session }) => {
      student = (await session({ endedMinutesAgo: 5 })).userId;
    });

    const hidden = await database.run(url);
    const shown = await database.run(url, { students: 'identified' });

    expect(JSON.stringify(hidden)).not.toContain(student);
    expect(JSON.stringify(hidden)).toMatch(/"user_id":"student-[0-9a-f]{8}"/);
    expect(hidden.identified).toBe(false);
    expect(JSON.stringify(shown)).toContain(`"user_id":"${student}"`);
    expect(shown.identified).toBe(true);
  });

  it('goes on after a check whose table is missing, and says that this one is unknown', async () => {
    const url = await database.copy(({ sql }) => sql('DROP TABLE algo_runs CASCADE'));

    const outcomes = await outcomesOf(url);

    expect(outcomes['repeated-mastery-runs']).toMatchObject({ outcome: 'unknown', findings: null });
    expect(outcomes['repeated-mastery-runs']?.message).toMatch(/has no such table: .*algo_runs.* \(42P01\)/);
    expect(outcomes['unscored-sessions']?.outcome).toBe('pass');
    expect(outcomes['wrong-correctness']?.outcome).toBe('pass');
  });

  it('says what to grant when a table may not be read', async () => {
    const url = await database.copy(async ({ sql }) => {
      await sql(`CREATE ROLE reader LOGIN PASSWORD 'reader'`);
      await sql('GRANT SELECT ON test_sessions, users, session_questions TO reader');
    });
    const asReader = new URL(url);
    asReader.username = 'reader';
    asReader.password = 'reader';

    const outcomes = await outcomesOf(asReader.href);

    expect(outcomes['lost-answers']).toMatchObject({
      outcome: 'unknown',
      hint: expect.stringContaining('GRANT SELECT'),
    });
    expect(outcomes['lost-answers']?.message).toContain('42501');
    expect(outcomes['overdue-sessions']).toMatchObject({ outcome: 'pass', lookedAt: { count: 7 } });
  });

  it('calls a check that takes too long unknown, and goes on', async () => {
    const slow = ownCheck('slow', 'a (a)', 'SELECT 1 AS a FROM pg_sleep(5)');
    const withPostgres = openPostgres(database.url);

    const { outcomes } = await database.run(database.url, {
      catalogue: withChecks([...slow, ...database.checks]),
      environment: {
        name: 'test',
        platform: examPlatform,
        withPostgres: (use, options) => withPostgres(use, { ...options, statementTimeout: 400 }),
      },
      only: ['slow', 'overdue-sessions'],
    });

    expect(outcomes).toMatchObject([
      { id: 'slow', outcome: 'unknown', message: expect.stringContaining('statement timeout (57014)') },
      { id: 'overdue-sessions', outcome: 'pass' },
    ]);
  });

  it('is unknown in every part when the database cannot be reached', async () => {
    const nowhere = new URL(database.url);
    nowhere.port = '1';

    const { outcomes } = await database.run(nowhere.href);

    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
    expect(outcomes).toHaveLength(database.checks.length);
    expect(exitCodeOf(outcomes.map(({ outcome }) => outcome))).toBe(3);
  });

  it('keeps what it saw when the connection is cut, and calls the rest unknown', async () => {
    const cutting = ownCheck('cut', 'a (a)', 'SELECT pg_terminate_backend(pg_backend_pid()) AS a');

    const { outcomes } = await database.run(database.url, {
      catalogue: withChecks([...database.checks, ...cutting]),
      only: ['overdue-sessions', 'cut', 'late-submits'],
    });
    const shortestFirst = { budget: 60_000 };
    const cutFirst = await database.run(database.url, {
      ...shortestFirst,
      catalogue: withChecks([...cutting, ...database.checks]),
      only: ['overdue-sessions', 'cut', 'late-submits'],
    });

    expect(outcomes.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'late-submits pass',
      'overdue-sessions pass',
      'cut unknown',
    ]);
    expect(cutFirst.outcomes.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'cut unknown',
      'late-submits unknown',
      'overdue-sessions unknown',
    ]);
    expect(cutFirst.outcomes[1]?.message).toMatch(/ended the connection: .*\(57P01\)|connection .* was lost/);
  });

  it('asks the most severe checks first within a budget, and gives none more than half of what is left', async () => {
    // The planner takes it for the cheapest of all.
    const slow = ownCheck('slow', 'a (a)', 'SELECT 1 AS a FROM pg_sleep(20)', { severity: 'minor' });
    const severe = ownCheck('severe', 'a (a)', 'SELECT 1 AS a FROM pg_sleep(20)', { severity: 'critical' });
    const catalogue = withChecks([...slow, ...severe, ...database.checks]);
    const budget = { budget: 3_000, connections: 1 };

    const { outcomes, statements, durationMs } = await database.run(database.url, { ...budget, catalogue });

    const unknown = outcomes.filter(({ outcome }) => outcome === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual(['slow', 'severe']);
    for (const { message } of unknown)
      expect(message).toMatch(/^it was not answered in [01]\.\d s, half of what was left of the budget/);
    // less than either of them would have taken
    expect(durationMs).toBeLessThan(20_000);
    const severityOf = (id = '') => catalogue.checks.find((check) => check.id === id)?.severity ?? '';
    const order = ['critical', 'major', 'minor', 'info'];
    const worst = statements.map(({ checks }) =>
      Math.min(...checks.map((id) => order.indexOf(severityOf(id)))),
    );
    expect(worst).toEqual([...worst].sort((a, b) => a - b));
    expect(new Set(worst).size).toBeGreaterThan(2);
  });

  it('answers all others of a window although one of them uses up its half of the budget', async () => {
    const slow = ownCheck('slow', 'a (a)', 'SELECT 1 AS a FROM pg_sleep(20)', { severity: 'minor' });
    const { outcomes } = await database.run(database.url, {
      budget: 3_000,
      connections: 1,
      catalogue: withChecks([...slow, ...database.checks]),
      scope: scopeOf({ since: new Date('2020-01-01T00:00:00Z') }, database.catalogue.windows),
    });

    const unknown = outcomes.filter(({ outcome }) => outcome === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual(['slow']);
  });

  it('leaves out what looks at rows by their time when only sessions were chosen', async () => {
    let given = '';
    const url = await database.copy(async ({ session, sql }) => {
      given = (await session({})).id;
      await sql('SET session_replication_role = replica');
      await sql(
        `INSERT INTO session_answers (id, session_id, question_id, created_at)
         SELECT gen_random_uuid(), gen_random_uuid(), question_id, now() FROM session_questions LIMIT 2`,
      );
    });
    const only = ['orphaned-answers', 'unscored-sessions'];
    const run = async (window: WindowOptions) =>
      (await database.run(url, { only, scope: scopeOf(window, database.catalogue.windows) })).outcomes;
    const since = new Date('2020-01-01T00:00:00Z');
    const withoutRehearsal = { emailDomain: 'elsewhere.example', userIds: [] };

    for (const window of [{ sessions: [given] }, { withoutRehearsal }])
      expect(await run(window)).toMatchObject([
        {
          outcome: 'skipped',
          findings: null,
          message: 'looks at rows by their time, and only sessions were chosen',
        },
        { outcome: 'pass' },
      ]);
    expect(await run({ since, sessions: [given] })).toMatchObject([
      { outcome: 'fail', findings: 2, lookedAt: null, message: expect.stringMatching(/^2 findings: /) },
      { outcome: 'pass', lookedAt: { count: 1 } },
    ]);
  });

  it('plans with the problems of the checks that were asked for', async () => {
    const url = await database.copy(({ sql }) => sql('DROP TABLE algo_runs CASCADE'));
    const mine = ownCheck('mine', 'a (a)', 'SELECT 1 AS a WHERE false', { 'looks-at': 'answers' });
    const plan = (only: string[]) =>
      planChecks({
        environment: { name: 'test', withPostgres: openPostgres(url), platform: examPlatform },
        catalogue: withChecks([...database.checks, ...mine]),
        students: 'identified',
        signal: new AbortController().signal,
        only,
      });
    const exitCodeOfPlan = async (...only: string[]) =>
      checkPlanReport({
        environment: 'test',
        scope: null,
        plan: await plan(only),
        tookBefore: () => undefined,
        notes: [],
      }).exitCode;

    expect(await exitCodeOfPlan('repeated-mastery-runs', 'overdue-sessions')).toBe(3);
    expect(await exitCodeOfPlan('overdue-sessions')).toBe(0);
    // Only its count cannot be asked.
    await withClient(url, (client) => client.query('DROP TABLE session_answers CASCADE'));
    expect(await exitCodeOfPlan('mine')).toBe(0);
  });

  it('leaves no statement running when it is aborted', async () => {
    const abort = new AbortController();
    const reason = new Error('Ctrl-C');
    const slow = ownCheck('slow', 'a (a)', `SELECT 1 AS a FROM pg_sleep(600) -- to be aborted`);

    const run = database.run(database.url, {
      catalogue: withChecks(slow),
      signal: abort.signal,
      onProgress: () => setTimeout(() => abort.abort(reason), 300),
    });

    await expect(run).rejects.toBe(reason);
    const running = () =>
      withClient(withDatabase(database.url, 'postgres'), async (client) => {
        const { rows } =
          await client.query(`SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%to be aborted%'
            AND pid <> pg_backend_pid()`);
        return rows;
      });
    // the server has been told, and takes a moment
    await expect.poll(running).toEqual([]);
  });

  it('is unknown when nothing lies in the window that was asked for', async () => {
    const { outcomes } = await database.run(database.url, {
      scope: scopeOf({ since: new Date() }, database.catalogue.windows),
      only: ['lost-answers'],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'unknown', message: expect.stringMatching(/there are no sessions started since .*Z/) },
    ]);
  });

  it('does not pass what an empty platform cannot show, and still looks at its rules', async () => {
    const url = withDatabase(database.url, 'empty');
    await withClient(withDatabase(database.url, 'postgres'), (client) =>
      client.query('CREATE DATABASE empty'),
    );
    await seed(url, { students: 1 });

    const outcomes = await outcomesOf(url);

    expect(outcomes['constraints-valid']?.outcome).toBe('pass');
    expect(outcomes['lost-answers']).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('no exam session can be seen'),
    });
  });

  it('refuses an unknown id and names the nearest', async () => {
    const run = database.run(database.url, { only: ['lost-answer'] });

    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toMatchObject({ hint: expect.stringContaining('"lost-answers"') });
  });
});
