import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { runLockInPostgres } from '../../src/adapters/run-lock-postgres.ts';
import type { Check } from '../../src/checks/check.ts';
import type { CheckResult, CheckRun } from '../../src/checks/check-run.ts';
import type { RunChecksOptions } from '../../src/checks/running/run-checks.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { exitCodeOf } from '../../src/lifecycle/outcome.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { plants } from '../../src/sandbox/plants/index.ts';
import { Examctl } from '../support/examctl.ts';
import { relayTo } from '../support/relay.ts';
import {
  type CheckDatabase,
  ownCheck,
  startCheckDatabase,
  withClient,
  withDatabase,
} from './check-database.ts';
import { findPgbouncer, startPgbouncer } from './check-pgbouncer.ts';
import { startRestartableServer } from './check-server.ts';

/** Slow, and dearer to the planner than all others, so that it comes first, or last within a budget. */
const slowCheck = (id: string, seconds: number) =>
  ownCheck(
    id,
    'a (a)',
    `SELECT count(*) AS a FROM pg_sleep(${seconds})
     WHERE (SELECT count(*) > 0 FROM generate_series(1, 1000000)) -- ${id}`,
    { severity: 'info' },
  );

const configuration = `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "http://127.0.0.1:1/v1" }
    database: { url: "\${env:DATABASE_URL}" }
checks: { folder: checks }
`;

const many = `-- id: many
-- title: t
-- question: q
-- severity: major
-- finding: f
-- remedy: r
-- columns: session_id (s), cause (c), at (when)
-- cost: index; none
-- occurred: at
SELECT n AS session_id, 'cause ' || n % 3 AS cause, timestamptz '2026-05-04T09:00Z' + n * interval '1 second' AS at
FROM generate_series(1, 1000000) n
`;

describe('on a bad day', () => {
  let server: Awaited<ReturnType<typeof startRestartableServer>>;
  let database: CheckDatabase;
  beforeAll(async () => {
    server = await startRestartableServer();
    database = await startCheckDatabase(server);
  });
  afterAll(() => server.stop());

  const withChecks = (...checks: readonly Check[]) => ({ ...database.catalogue, checks });
  const withOwn = (...checks: readonly Check[]) => withChecks(...database.checks, ...checks);
  const outcomesOf = (run: CheckRun) => Object.fromEntries(run.outcomes.map((result) => [result.id, result]));
  const unknownIn = (run: CheckRun) =>
    run.outcomes.filter(({ outcome }) => outcome === 'unknown').map(({ id }) => id);
  const exitCode = (run: CheckRun) => exitCodeOf(run.outcomes.map(({ outcome }) => outcome));

  describe('of the schema', () => {
    it('a missing table leaves the checks that read it unknown', async () => {
      const url = await database.copy(({ sql }) => sql('DROP TABLE session_questions CASCADE'));

      const run = await database.run(url);

      expect(unknownIn(run).sort()).toEqual([
        'answer-not-in-session',
        'answers-after-end',
        'count-questions',
        'inconsistent-scores',
        'inconsistent-status',
        'question-count',
        'unfrozen-questions',
        'unlogged-writes',
        'unscored-sessions',
        'wrong-correctness',
      ]);
      const {
        'question-count': unknown,
        'constraints-valid': rules,
        'lost-answers': found,
      } = outcomesOf(run);
      const elsewhere = await database.run(`${database.url}?options=-c%20search_path%3Dother`);
      expect(new Set(elsewhere.outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
      expect(elsewhere.outcomes[0]?.message).toContain("none of the platform's tables is in this database");
      expect(exitCode(elsewhere)).toBe(3);
      expect(unknown?.message).toMatch(/has no such table: .*session_questions.* \(42P01\)/);
      expect(rules).toMatchObject({ outcome: 'fail', findings: 1 });
      expect(found?.outcome).toBe('pass');
      expect(exitCode(run)).toBe(1);
    });

    it('a missing column, as of an older revision, leaves the checks that read it unknown', async () => {
      const url = await database.copy(({ sql }) => sql('ALTER TABLE attempt_events DROP COLUMN seq'));

      const run = await database.run(url);

      expect(unknownIn(run)).toEqual(['event-gaps']);
      expect(outcomesOf(run)['event-gaps']?.message).toMatch(/has no such column: .*seq.* \(42703\)/);
      expect(exitCode(run)).toBe(3);
    });

    it('a check of a newer revision is unknown, without asking', async () => {
      const newer = ownCheck('newer', 'a (a)', 'SELECT a FROM not_yet_made', { revision: '049_next' });
      const same = ownCheck('same', 'a (a)', 'SELECT 1 AS a WHERE false', { revision: '048_family_id' });

      const run = await database.run(database.url, { catalogue: withOwn(...newer, ...same) });

      expect(unknownIn(run)).toEqual(['newer']);
      expect(outcomesOf(run).newer?.message).toBe(
        'it needs revision 049_next of the schema, and this database has 048_family_id',
      );
      expect(outcomesOf(run).same?.outcome).toBe('pass');
    });
  });

  describe('of a check', () => {
    it.each([
      [
        'a declared column is not returned',
        'a (a), b (b)',
        'SELECT 1 AS a',
        /header of own\.sql explains: .*f\.b/,
      ],
      ['a table has another name', 'a (a)', 'SELECT a FROM test_session', /test_session/],
      ['it is no SQL', 'a (a)', 'SELEC 1 AS a', /42601/],
      ['it deletes', 'a (a)', 'DELETE FROM session_answers RETURNING 1 AS a', /42601/],
      [
        'it deletes in a common table expression',
        'a (a)',
        'WITH gone AS (DELETE FROM session_answers RETURNING 1 AS a) SELECT a FROM gone',
        /0A000/,
      ],
      ['it has a second statement', 'a (a)', 'SELECT 1 AS a; DELETE FROM session_answers', /42601/],
      [
        'it ends the statement around it and deletes',
        'a (a)',
        'SELECT 1 AS a) f) SELECT 1; DELETE FROM session_answers; SELECT ((1',
        /42601/,
      ],
      ['it draws from a sequence', 'a (a)', `SELECT nextval('themes_id_seq') AS a`, /25006/],
      ['it sets a sequence', 'a (a)', `SELECT setval('themes_id_seq', 1) AS a`, /25006/],
      [
        'it makes the transaction writable',
        'a (a)',
        `SELECT set_config('transaction_read_only', 'off', true) AS a`,
        /25001/,
      ],
      ['it locks rows', 'a (a)', 'SELECT 1 AS a FROM session_answers FOR UPDATE', /25006/],
      ['it divides by zero', 'a (a)', 'SELECT 1 / (count(*) - count(*)) AS a FROM test_sessions', /22012/],
      ['it waits for a parameter', 'a (a)', 'SELECT $1::int AS a', /\(\d\w{4}\)/],
    ])(
      'it is unknown when %s, nothing is changed, and the others answer',
      async (_, columns, sql, reason) => {
        const before = await contents();

        const run = await database.run(database.url, {
          catalogue: withOwn(...ownCheck('own', columns, sql)),
        });

        expect(unknownIn(run)).toEqual(['own']);
        expect(outcomesOf(run).own?.message).toMatch(reason);
        expect(exitCode(run)).toBe(3);
        expect(await contents()).toEqual(before);
      },
    );

    const contents = () =>
      withClient(database.url, async (client) => {
        const { rows } = await client.query(
          `SELECT (SELECT count(*) FROM session_answers) AS answers, (SELECT last_value FROM themes_id_seq) AS themes,
             (SELECT count(*) FROM pg_largeobject_metadata) AS objects`,
        );
        return rows;
      });

    it('leaves nothing of what PostgreSQL 15 lets a READ ONLY transaction write', async () => {
      const before = await contents();
      const own = ownCheck('own', 'a (a)', 'SELECT lo_create(0)::text AS a WHERE pg_try_advisory_lock(1)');

      await database.run(database.url, { catalogue: withOwn(...own) });

      expect(await contents()).toEqual(before);
      const { rows } = await withClient(database.url, (client) =>
        client.query(`SELECT FROM pg_locks WHERE locktype = 'advisory'`),
      );
      expect(rows).toEqual([]);
    });

    it('shows no column that the header does not explain, of any name', async () => {
      const sql = `SELECT 1 AS a, email, full_name AS b, 'x' AS "a b" FROM users`;

      const run = await database.run(database.url, {
        catalogue: withChecks(...ownCheck('own', 'a (a)', sql)),
      });

      expect(run.outcomes[0]).toMatchObject({ findings: 41, outcome: 'fail' });
      expect(new Set(run.outcomes[0]?.samples.flatMap((sample) => Object.keys(sample)))).toEqual(
        new Set(['a']),
      );
      expect(JSON.stringify(run)).not.toMatch(/@|Student/);
    });

    it('is unknown after its time, and the others answer', async () => {
      const run = await database.run(database.url, {
        catalogue: withOwn(...slowCheck('slow', 20)),
        statementTimeout: 2_000,
      });

      expect(unknownIn(run)).toEqual(['slow']);
      expect(outcomesOf(run).slow?.message).toContain('statement timeout (57014)');
    });
  });

  describe('of the server', () => {
    /** Does it once the check is running. */
    const whenRunning = (id: string, act: () => Promise<unknown>) => {
      let acting: Promise<unknown> | undefined;
      return {
        onProgress: ({ checks }: { checks: readonly Check[] }) => {
          if (checks.some((check) => check.id === id)) acting ??= untilActive(id).then(act);
        },
        done: () => acting,
      };
    };

    const untilActive = async (marker: string, count = 1): Promise<number[]> => {
      for (;;) {
        const pids = await withClient(withDatabase(database.url, 'postgres'), async (client) => {
          const { rows } = await client.query<{ pid: number }>(
            `SELECT pid FROM pg_stat_activity
             WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1 AND query NOT LIKE 'EXPLAIN%'
             ORDER BY backend_start`,
            [`%-- ${marker}%`],
          );
          return rows.map(({ pid }) => pid);
        });
        if (pids.length >= count) return pids;
      }
    };

    const terminate = (pid: number | undefined) =>
      withClient(withDatabase(database.url, 'postgres'), (client) =>
        client.query('SELECT pg_terminate_backend($1)', [pid]),
      );

    const early = ['overdue-sessions', 'late-submits'];

    it.each([1, 2])(
      'a restart leaves what was answered, and calls the rest unknown, on %s connections',
      async (connections) => {
        // The statements come by their cost: the shortest first within a budget.
        const restarting = whenRunning('slow', server.restart);
        const run = await database.run(database.url, {
          catalogue: withOwn(...slowCheck('slow', 60)),
          only: [...early, 'slow'],
          connections,
          budget: 100_000,
          onProgress: restarting.onProgress,
        });
        await restarting.done();

        expect(Object.fromEntries(run.outcomes.map(({ id, outcome }) => [id, outcome]))).toEqual({
          slow: 'unknown',
          'late-submits': 'pass',
          'overdue-sessions': 'pass',
        });
        expect(outcomesOf(run).slow?.message).toMatch(/ended the connection|was lost/);
        expect(outcomesOf(run).slow?.hint).toMatch(/run this again/);
        expect(exitCode(run)).toBe(3);
        expect(exitCode(await database.run(database.url))).toBe(0);
      },
    );

    it('a restart before anything was answered leaves all of it unknown', async () => {
      const restarting = whenRunning('slow', server.restart);
      const run = await database.run(database.url, {
        catalogue: withOwn(...slowCheck('slow', 60)),
        onProgress: restarting.onProgress,
      });
      await restarting.done();

      expect(new Set(run.outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
      expect(exitCode(run)).toBe(3);
    });

    it.each([
      ['second', 1],
      ['first', 0],
    ])('when the %s connection is lost, the other one does its statement again', async (_, lost) => {
      const slow = [...slowCheck('slow-1', 1), ...slowCheck('slow-2', 1)];
      const catalogue = withOwn(...slow.map((check) => ({ ...check, sql: `${check.sql} -- pair` })));
      const undisturbed = await database.run(database.url, { catalogue, connections: 2 });

      const losing = untilActive('pair', 2).then((pids) => terminate(pids[lost]));
      const run = await database.run(database.url, { catalogue, connections: 2 });
      await losing;

      expect(unknownIn(run)).toEqual([]);
      expect(asSeen(run)).toEqual(asSeen(undisturbed));
      expect(run.notes).toEqual([
        expect.stringMatching(/fewer connections than planned: .*ended the connection.*\(57P01\)/),
      ]);
    });

    it('a check that ends every connection that it runs on leaves the others their answers', async () => {
      const ending = ownCheck('ending', 'a (a)', 'SELECT pg_terminate_backend(pg_backend_pid()) AS a');

      const run = await database.run(database.url, {
        catalogue: withOwn(...ending, ...slowCheck('slow-1', 0.5), ...slowCheck('slow-2', 0.5)),
        connections: 2,
      });

      expect(unknownIn(run)).toEqual(['ending']);
    });

    it('goes on with one connection when the server refuses the second', async () => {
      const held: (() => Promise<void>)[] = [];
      const catalogue = withOwn(...slowCheck('slow-1', 0.2));
      try {
        // The run's own first connection takes the place that is given back.
        held.push(...(await allConnections(database.url)));
        await held.pop()?.();
        const run = await database.run(database.url, { catalogue, connections: 2 });

        expect(unknownIn(run)).toEqual([]);
        expect(exitCode(run)).toBe(0);
        expect(new Set(run.statements.map(({ connection }) => connection))).toEqual(new Set([1]));
        expect(run.notes).toEqual([
          expect.stringMatching(/fewer connections than planned: .*has no connection left.*\(53300\)/),
        ]);
      } finally {
        await Promise.all(held.map((release) => release()));
      }
    });

    it('goes on with one connection when the second does not see the same snapshot', async () => {
      const run = await database.run(database.url, {
        ...throughPostgres(
          (open) => (use, options) =>
            open(
              use,
              options?.snapshot === undefined ? options : { ...options, snapshot: '00000003-0000FFFF-1' },
            ),
        ),
        connections: 2,
      });

      expect(unknownIn(run)).toEqual([]);
      expect(run.notes).toEqual([expect.stringContaining('fewer connections than planned: ')]);
    });

    it.each(['reset', 'refuse', 'hang'] as const)(
      'a network that fails in the middle (%s) leaves what was answered',
      async (failure) => {
        const relay = await relayTo(database.url);
        try {
          const failing = whenRunning('slow', async () => relay[failure](true));
          const run = await database.run(relay.url, {
            catalogue: withOwn(...slowCheck('slow', 2)),
            only: [...early, 'slow'],
            connections: 1,
            budget: 100_000,
            statementTimeout: 3_000,
            onProgress: failing.onProgress,
          });
          await failing.done();

          expect(unknownIn(run)).toEqual(['slow']);
          expect(outcomesOf(run).slow?.message).toMatch(
            failure === 'hang' ? /was lost: no answer in 8 s/ : /was lost|ECONNRESET/,
          );
        } finally {
          await relay.close();
        }
      },
    );

    it.each([1, 2])(
      'a server that is frozen in the middle costs the rest of the budget and no more, on %s connections',
      async (connections) => {
        const running = database.run(database.url, {
          catalogue: withOwn(...slowCheck('slow', 30)),
          only: [...early, 'slow'],
          connections,
          budget: 4_000,
        });
        await untilActive('slow');
        // The other connection has its answers by then.
        await new Promise((resolve) => setTimeout(resolve, 500));
        const run = await server.frozen(() => running);

        expect(unknownIn(run)).toEqual(['slow']);
        expect(outcomesOf(run).slow).toMatchObject({
          message: 'the budget of 4 s was used up',
          hint: 'give it a larger --budget, or choose checks with --check',
        });
        expect(run.notes).toEqual([]);
      },
    );

    it('a server that is frozen from the beginning costs the budget and no more', async () => {
      const run = await server.frozen(() => database.run(database.url, { budget: 1_000 }));

      expect(new Set(run.outcomes.map(({ message }) => message))).toEqual(
        new Set(['the budget of 1 s was used up']),
      );
    });

    it('without time for any check each one says how to get more', async () => {
      const run = await database.run(database.url, { budget: 1 });

      expect(new Set(run.outcomes.map(({ hint }) => hint))).toEqual(
        new Set(['give it a larger --budget, or choose checks with --check']),
      );
    });

    it.each([1, 2])(
      'a run that is out of its time keeps what was answered, and has no notes, on %s connections',
      async (connections) => {
        const abort = new AbortController();
        const slow = [...slowCheck('slow-1', 20), ...slowCheck('slow-2', 20)];
        const aborting = untilActive('slow-', connections).then(() =>
          abort.abort(new Undetermined('it was not done within --timeout')),
        );
        const run = await database.run(database.url, {
          catalogue: withOwn(...slow),
          only: [...early, 'slow-1', 'slow-2'],
          connections,
          budget: 100_000,
          signal: abort.signal,
        });
        await aborting;

        expect(unknownIn(run).sort()).toEqual(['slow-1', 'slow-2']);
        expect(outcomesOf(run)['slow-1']?.message).toBe('it was not done within --timeout');
        expect(run.notes).toEqual([]);
      },
    );

    it('says nothing of a second connection that only misses the snapshot of the first, which was lost', async () => {
      const catalogue = withOwn(...slowCheck('slow-1', 5), ...slowCheck('slow-2', 5));
      const run = await database.run(database.url, {
        ...throughPostgres((open) => async (use, options) => {
          if (options?.snapshot !== undefined) await terminate((await untilActive('slow-'))[0]);
          return open(use, options);
        }),
        catalogue,
        only: ['slow-1', 'slow-2'],
        connections: 2,
      });

      expect(unknownIn(run).sort()).toEqual(['slow-1', 'slow-2']);
      expect(outcomesOf(run)['slow-1']?.message).toMatch(/57P01|was lost/);
      expect(run.notes).toEqual([]);
    });

    it('takes its times from the server, and says that the clock of this machine is wrong', async () => {
      const { rows } = await withClient(database.url, (client) =>
        client.query<{ now: Date }>('SELECT now()'),
      );
      const serverNow = rows[0]?.now ?? new Date(0);
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2031-01-01T00:00:00Z') });
      try {
        const run = await database.run(database.url, { budget: 30_000 });

        expect(unknownIn(run)).toEqual([]);
        for (const time of [run.startedAt, new Date(run.snapshotAt ?? 0)])
          expect(Math.abs(time.getTime() - serverNow.getTime())).toBeLessThan(86_400_000);
        expect(run.notes).toEqual([expect.stringMatching(/clock of this machine is [\d,]+ s ahead/)]);
      } finally {
        vi.useRealTimers();
      }
    });

    const throughPostgres = (
      change: (open: ReturnType<typeof openPostgres>) => ReturnType<typeof openPostgres>,
    ): Partial<RunChecksOptions> => ({
      environment: {
        name: 'test',
        platform: examPlatform,
        withPostgres: change(openPostgres(database.url)),
      },
    });
  });

  describe('with PgBouncer in transaction mode in between', () => {
    let found: Awaited<ReturnType<typeof findPgbouncer>>;
    let url: string;
    beforeAll(async () => {
      found = await findPgbouncer();
      url = await database.copy(async (records) => {
        for (const { plant } of plants) await plant(records);
      });
    }, 120_000);

    const through = async <T>(
      poolSize: number,
      use: (pooled: Awaited<ReturnType<typeof startPgbouncer>>) => Promise<T>,
    ): Promise<T> => {
      if (typeof found === 'string') throw new Error(found);
      const pooler = await startPgbouncer(found, url, poolSize);
      try {
        return await use(pooler);
      } finally {
        await pooler.stop();
      }
    };

    it('with five connections the answers are those without it', async ({ skip }) => {
      skip(typeof found === 'string', String(found));
      const catalogue = withOwn(...slowCheck('slow-1', 0.3), ...slowCheck('slow-2', 0.3));
      const direct = await database.run(url, { catalogue, connections: 2 });

      const { pooled, log } = await through(5, async (pooler) => {
        const pooled = await database.run(pooler.url, { catalogue, connections: 2 });
        // Its log is complete up to here when it has served another client.
        await withClient(pooler.url, (client) => client.query('SELECT 1'));
        return { pooled, log: pooler.log() };
      });

      expect(asSeen(pooled)).toEqual(asSeen(direct));
      expect(pooled.notes).toEqual([]);
      expect(new Set(pooled.statements.map(({ connection }) => connection))).toEqual(new Set([1, 2]));
      // The platform behind the same pooler keeps its connections.
      expect(log).not.toMatch(/client disconnect while server was not ready/);
    });

    it('with one connection there is one, and a note', async ({ skip }) => {
      skip(typeof found === 'string', String(found));
      const direct = await database.run(url, { connections: 1 });

      const pooled = await through(1, (pooler) => database.run(pooler.url, { connections: 2 }));

      expect(asSeen(pooled)).toEqual(asSeen(direct));
      expect(pooled.notes).toEqual([
        expect.stringMatching(/fewer connections than planned: .*began no transaction within/),
      ]);
    });

    it('with one connection nothing that is set for a statement stays on it for the platform', async ({
      skip,
    }) => {
      skip(typeof found === 'string', String(found));
      const settings = `SELECT name, setting FROM pg_settings WHERE name LIKE '%timeout%' ORDER BY name`;
      const seen = await through(1, async (pooler) => {
        const shown = async () => (await withClient(pooler.url, (client) => client.query(settings))).rows;
        const before = await shown();
        const withPostgres = openPostgres(pooler.url);
        const holder = { run: 'r', actor: 'a', host: 'h', pid: 1, operation: 'o', reason: null };
        const lock = await runLockInPostgres({ withPostgres }).acquire(holder);
        const held = await lock.stillHeld();
        await lock.release();
        await withPostgres((postgres) => postgres.query('SELECT 1'));
        return { before, held, after: await shown() };
      });
      expect(seen.held).toBe(true);
      expect(seen.after).toEqual(seen.before);
    });

    it('with one connection a run that is aborted leaves nothing running', async ({ skip }) => {
      skip(typeof found === 'string', String(found));
      const abort = new AbortController();
      const reason = new Error('Ctrl-C');

      await through(1, async (pooler) => {
        const run = database.run(pooler.url, {
          catalogue: withChecks(...slowCheck('slow', 30)),
          connections: 1,
          signal: abort.signal,
          onProgress: () => setTimeout(() => abort.abort(reason), 500),
        });
        await expect(run).rejects.toBe(reason);
      });

      const { rows } = await withClient(withDatabase(database.url, 'postgres'), (client) =>
        client.query(
          `SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%-- slow%' AND pid <> pg_backend_pid()`,
        ),
      );
      expect(rows).toEqual([]);
    });
  });

  describe('with a million findings', () => {
    const examctl = new Examctl();
    afterAll(() => examctl.remove());

    it('counts them exactly, keeps twenty, needs little memory and little of the disk of the server', {
      timeout: 120_000,
    }, async () => {
      const checks = join(examctl.cwd, 'checks');
      mkdirSync(checks);
      writeFileSync(join(examctl.cwd, 'examctl.yaml'), configuration);
      writeFileSync(join(checks, 'many.sql'), many);
      const memoryFile = join(examctl.cwd, 'memory');
      const preloaded = join(examctl.cwd, 'memory.cjs');
      writeFileSync(
        preloaded,
        `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(memoryFile)}, String(process.resourceUsage().maxRSS)));`,
      );
      const before = await bytesWritten();

      const { exitCode: code, stdout } = await examctl.start(
        ['integrity', 'check', '--check', 'many', '--check', 'overdue-sessions', '-o', 'json'],
        { DATABASE_URL: database.url, NODE_OPTIONS: `--require ${preloaded}` },
      ).ended;

      const { outcomes } = JSON.parse(stdout) as CheckRun;
      expect(outcomes.map(({ id, outcome, findings }) => ({ id, outcome, findings }))).toEqual([
        { id: 'many', outcome: 'fail', findings: 1_000_000 },
        { id: 'overdue-sessions', outcome: 'pass', findings: 0 },
      ]);
      expect(outcomes[0]).toMatchObject({
        firstAt: '2026-05-04T09:00:01.000Z',
        lastAt: '2026-05-15T22:46:40.000Z',
        causes: [
          { cause: 'cause 1', count: 333_334 },
          { cause: 'cause 0', count: 333_333 },
          { cause: 'cause 2', count: 333_333 },
        ],
      });
      expect(outcomes[0]?.samples.map(({ session_id: id }) => id)).toEqual(
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
      expect(code).toBe(1);
      const megabytes = Number(readFileSync(memoryFile, 'utf8')) / 1024;
      expect(megabytes).toBeLessThan(150);
      const written = ((await bytesWritten()) - before) / 1024 / 1024;
      expect(written).toBeLessThan(100);
    });
  });

  async function bytesWritten(): Promise<number> {
    return withClient(database.url, async (client) => {
      const { rows } = await client.query<{ bytes: number }>(
        'SELECT temp_bytes::float8 AS bytes FROM pg_stat_database WHERE datname = current_database()',
      );
      return rows[0]?.bytes ?? 0;
    });
  }
});

function asSeen({ outcomes }: CheckRun): Omit<CheckResult, 'durationMs'>[] {
  return outcomes.map(({ durationMs: _, ...result }) => result);
}

/** Takes every connection that the server gives; each is given back by its function. */
async function allConnections(url: string): Promise<(() => Promise<void>)[]> {
  const { default: pg } = await import('pg');
  const held: (() => Promise<void>)[] = [];
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      if ((error as { code?: string }).code === '53300') return held;
      throw error;
    }
    held.push(() => client.end());
  }
}
