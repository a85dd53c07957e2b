import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { watermarkFiles } from '../../src/adapters/watermark-file.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import { runIncrementally } from '../../src/checks/incremental/incremental.ts';
import { serverPosition } from '../../src/checks/incremental/server-position.ts';
import type { RunChecksOptions } from '../../src/checks/running/run-checks.ts';
import { chooseDatabase } from '../../src/checks/server/replica.ts';
import type { WindowOptions } from '../../src/checks/statements/windows.ts';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import type { ExamRecords } from '../../src/sandbox/plants/exam-records.ts';
import { type CheckDatabase, startCheckDatabase, withClient } from './check-database.ts';

let database: CheckDatabase;
let folder: string;
beforeAll(async () => {
  database = await startCheckDatabase();
});
afterAll(() => database.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-incremental-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Run extends Partial<RunChecksOptions> {
  readonly fullEvery?: number;
  readonly window?: WindowOptions;
}

const runOn = (url: string, { fullEvery = 3_600_000, window = {}, ...options }: Run = {}) =>
  runIncrementally(
    {
      environment: { name: 'test', withPostgres: openPostgres(url), platform: examPlatform },
      catalogue: database.catalogue,
      students: pseudonymiser('a salt'),
      signal: new AbortController().signal,
      ...options,
    },
    { watermarks: watermarkFiles(folder), fullEvery, window },
  );

/** A copy in which nothing happened in the last minutes. */
const yesterday = (plant: (records: ExamRecords) => Promise<unknown> = async () => {}) =>
  database.copy(async (records) => {
    await plant(records);
    await records.sql(
      `UPDATE test_sessions SET created_at = created_at - interval '1 day', updated_at = NULL`,
    );
    await records.sql(
      `UPDATE test_sessions SET expires_at = now() + interval '1 hour'
       WHERE expires_at BETWEEN now() - interval '5 minutes' AND now()`,
    );
    await records.sql('SET session_replication_role = replica');
    await records.sql(
      `UPDATE attempt_events SET event_ts = event_ts - interval '10 minutes' WHERE source = 'web' AND seq IS NOT NULL`,
    );
  });

const outcomes = (run: CheckRun) => Object.fromEntries(run.outcomes.map(({ id, outcome }) => [id, outcome]));
const inClient = (url: string, ...texts: string[]) =>
  withClient(url, async (client) => {
    for (const text of texts) await client.query(text);
  });

describe('a run of --incremental', () => {
  it('looks at everything first, then at what changed, and passes when that is nothing', async () => {
    const url = await yesterday();

    const first = await runOn(url);
    const second = await runOn(url);

    expect(first.incremental).toMatchObject({ kind: 'sweep', since: null, stayed: null });
    expect(outcomes(first)['incremental-coverage']).toBe('skipped');
    expect(second.incremental).toMatchObject({
      kind: 'changes',
      since: first.incremental?.watermark,
      lastSweepAt: first.snapshotAt,
      stayed: null,
    });
    expect(second.summary?.sessions).toBe(0);
    expect(second.scope).toBe(`sessions changed since ${first.incremental?.watermark}`);
    expect(new Set(second.outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['pass']));
    expect(String(second.incremental?.watermark) > String(first.incremental?.watermark)).toBe(true);
  });

  it('of some sessions leaves out what cannot be narrowed to them, in full runs and in those of changes', async () => {
    const url = await yesterday();
    const window = { withoutRehearsal: { emailDomain: 'elsewhere.example', userIds: [] } };

    const first = await runOn(url, { window });
    const second = await runOn(url, { window });

    expect([first.incremental?.kind, second.incremental?.kind]).toEqual(['sweep', 'changes']);
    expect(first.notes[0]).toMatch(
      /^a full run of sessions outside of rehearsals, changed or not: there is no/,
    );
    for (const run of [first, second])
      expect(outcomes(run)).toMatchObject({ 'orphaned-answers': 'skipped', 'lost-answers': 'pass' });
  });

  it('sees what happened since, and looks at it again until it is mended', async () => {
    const url = await yesterday();
    await runOn(url);
    await withClient(url, async (client) => {
      const { rows } = await client.query(
        `INSERT INTO attempt_events (id, event_type, session_id, user_id, source, payload_json)
         SELECT gen_random_uuid(), 'ANSWER_SUBMITTED', s.id, s.user_id, 'api',
           jsonb_build_object('question_id', q.question_id, 'selected_index', 1)
         FROM test_sessions s JOIN session_questions q ON q.session_id = s.id
         WHERE NOT EXISTS (SELECT FROM session_answers a WHERE a.session_id = s.id AND a.question_id = q.question_id)
           AND s.status = 'ACTIVE'
         LIMIT 1 RETURNING session_id`,
      );
      expect(rows).toHaveLength(1);
    });

    const bad = await runOn(url);
    const again = await runOn(url);
    await inClient(
      url,
      `INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at)
       SELECT gen_random_uuid(), e.session_id, (payload_json ->> 'question_id')::uuid, 1,
         (SELECT (snapshot_json ->> 'correct_index')::int = 1 FROM session_questions q
           WHERE q.session_id = e.session_id AND q.question_id = (payload_json ->> 'question_id')::uuid),
         event_ts
       FROM attempt_events e ORDER BY event_ts DESC LIMIT 1`,
    );
    const mended = await runOn(url);

    expect(outcomes(bad)['lost-answers']).toBe('fail');
    expect(bad.summary?.sessions).toBe(1);
    expect(bad.incremental).toMatchObject({
      watermark: bad.incremental?.since,
      stayed: 'not all was good: lost-answers',
    });
    expect(bad.notes.join()).toContain('the watermark stays');
    expect(again.incremental?.since).toBe(bad.incremental?.since);
    expect(outcomes(again)['lost-answers']).toBe('fail');
    expect(mended.outcomes.filter(({ outcome }) => outcome === 'fail')).toEqual([]);
    expect(mended.incremental?.stayed).toBeNull();
  });

  it('goes on when what was found is accepted', async () => {
    const url = await yesterday(({ session }) =>
      session({
        status: 'SUBMITTED',
        score: [null, null, null],
        startedMinutesAgo: 3_000,
        submittedMinutesAgo: 2_900,
      }),
    );
    const first = await runOn(url, { only: ['unscored-sessions'] });
    const { rows } = await withClient(url, (client) =>
      client.query<{ key: string }>(
        `SELECT md5(concat_ws(E'\\x1f', id::text, 'score_correct, score_total, score_pct is empty')) AS key
         FROM test_sessions WHERE status = 'SUBMITTED' AND score_pct IS NULL`,
      ),
    );
    const accepted = new Map([['unscored-sessions', rows.map(({ key }) => key)]]);

    const second = await runOn(url, { only: ['unscored-sessions'], accepted });
    const third = await runOn(url, { only: ['unscored-sessions'], accepted });

    expect(first.incremental).toMatchObject({ kind: 'sweep', watermark: null });
    expect(first.incremental?.stayed).toContain('unscored-sessions');
    expect(second.incremental).toMatchObject({ kind: 'sweep', stayed: null });
    expect(third.incremental?.kind).toBe('changes');
  });

  it('does not see a change that leaves no trace, and the next full run tells of it', async () => {
    const url = await yesterday();
    await runOn(url);
    await inClient(
      url,
      `UPDATE session_answers SET is_correct = NOT is_correct WHERE id = (
         SELECT a.id FROM session_answers a JOIN test_sessions s ON s.id = a.session_id
         WHERE s.status = 'ACTIVE' AND s.mode = 'EXAM' AND is_correct IS NOT NULL LIMIT 1)`,
    );

    const blind = await runOn(url);
    const sweep = await runOn(url, { fullEvery: 0 });

    expect(outcomes(blind)['wrong-correctness']).toBe('pass');
    expect(outcomes(sweep)['wrong-correctness']).toBe('fail');
    expect(sweep.outcomes.at(-1)).toMatchObject({
      id: 'incremental-coverage',
      outcome: 'warn',
      findings: 1,
      message: expect.stringContaining('could not see: wrong-correctness 1'),
    });
    expect(sweep.incremental).toMatchObject({ kind: 'sweep', watermark: blind.incremental?.watermark });
  });

  it('the full run does not tell of what the one before has seen, or of what lies in changed sessions', async () => {
    const overdue = ({ session }: ExamRecords) =>
      session({ startedMinutesAgo: 3_000, endedMinutesAgo: 2_900 });
    const url = await yesterday(overdue);
    const before = await runOn(url);
    await inClient(
      url,
      `UPDATE test_sessions SET expires_at = now() - interval '90 seconds' WHERE id = (
      SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at > now() LIMIT 1)`,
    );

    const changes = await runOn(url);
    const sweep = await runOn(url, { fullEvery: 0 });

    const findings = (run: CheckRun) => run.outcomes.find(({ id }) => id === 'overdue-sessions')?.findings;
    expect([findings(before), findings(changes), findings(sweep)]).toEqual([1, 1, 2]);
    expect(sweep.outcomes.at(-1)).toMatchObject({ id: 'incremental-coverage', outcome: 'pass', findings: 0 });
  });

  it('is a full one again for other checks, another window, a changed statement or another database', async () => {
    const url = await yesterday();
    const copy = await yesterday();
    const { catalogue } = database;
    const kind = async (run: Promise<CheckRun>) => (await run).incremental?.kind;
    await runOn(url);

    expect(await kind(runOn(url, { only: ['lost-answers'] }))).toBe('sweep');
    expect(await kind(runOn(url, { suite: 'core' }))).toBe('sweep');
    expect(await kind(runOn(url, { window: { exam: { from: new Date(0), to: new Date() } } }))).toBe('sweep');
    const checks = catalogue.checks.map((check) =>
      check.id === 'late-submits' ? { ...check, sql: `${check.sql}\n-- mended` } : check,
    );
    expect(await kind(runOn(url, { catalogue: { ...catalogue, checks } }))).toBe('sweep');
    expect(await kind(runOn(url))).toBe('changes');
    expect(await kind(runOn(copy))).toBe('sweep');
  });

  it('is a full one when its watermark is damaged, and says so', async () => {
    const url = await yesterday();
    await runOn(url);
    writeFileSync(join(folder, 'test.json'), '{');

    const { incremental, notes } = await runOn(url);

    expect(incremental).toMatchObject({ kind: 'sweep', stayed: null });
    expect(notes[0]).toMatch(/^a full run: the watermark is damaged: .*test\.json/);
    expect((await runOn(url)).incremental?.kind).toBe('changes');
  });

  it('leaves a check to the full runs that would have to read all of a big table', async () => {
    const url = await yesterday(({ sql }) =>
      // Few rows on each page, so that the table is big and the test short.
      sql('ALTER TABLE session_answers SET (fillfactor = 10)'),
    );
    await inClient(
      url,
      'SET session_replication_role = replica',
      `INSERT INTO session_answers (id, session_id, question_id, created_at)
       SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 40000)`,
      `DELETE FROM session_answers a WHERE NOT EXISTS (SELECT FROM test_sessions s WHERE s.id = a.session_id)`,
    );
    const sweep = await runOn(url);

    const changes = await runOn(url);
    await inClient(url, 'CREATE INDEX ON session_answers ((greatest(updated_at, answered_at, created_at)))');
    const indexed = await runOn(url);

    expect(outcomes(sweep)['orphaned-answers']).toBe('pass');
    expect(changes.outcomes.find(({ id }) => id === 'orphaned-answers')).toMatchObject({
      outcome: 'skipped',
      message: `left to the full runs, as session_answers has no index on the time of its rows; the last one was at ${sweep.snapshotAt}`,
    });
    expect(changes.incremental?.stayed).toBeNull();
    expect(outcomes(indexed)['orphaned-answers']).toBe('pass');
  });

  it('at the same time as others never moves the watermark backwards', async () => {
    const url = await yesterday();
    await runOn(url);

    const runs = await Promise.all([1, 2, 3, 4].map(() => runOn(url, { only: [] })));

    const latest = runs
      .map(({ incremental }) => String(incremental?.watermark))
      .sort()
      .at(-1);
    expect(
      watermarkFiles(folder)
        .read('test')
        .marks.map(({ at }) => at),
    ).toEqual([latest]);
  });

  it('looks at what changed while another process makes the full run that is due', async () => {
    const url = await yesterday();
    await runOn(url);
    const others: CheckRun[] = [];

    const sweep = await runOn(url, {
      fullEvery: 0,
      afterwards: async () => {
        others.push(await runOn(url, { fullEvery: 0 }));
      },
    });

    expect(sweep.incremental?.kind).toBe('sweep');
    expect(others.map(({ incremental }) => incremental?.kind)).toEqual(['changes']);
    expect(others[0]?.notes).toContainEqual(
      `the full run that is due is being made by process ${process.pid}`,
    );
  });

  it('does not begin the first full run twice, and says who makes it', async () => {
    const url = await yesterday();
    const others: Promise<CheckRun>[] = [];

    await runOn(url, {
      afterwards: async () => {
        others.push(runOn(url));
        await Promise.allSettled(others);
      },
    });

    await expect(others[0]).rejects.toThrow(`process ${process.pid} makes the full run of these checks`);
    expect((await runOn(url)).incremental?.kind).toBe('changes');
  });

  it('looks how the platform does while students are in exams, but not for a moment of reading', async () => {
    const url = await yesterday();
    let asked = 0;
    const mayGoOn = async () => {
      asked += 1;
      return null;
    };

    const sweep = await runOn(url, { mayGoOn });
    expect(sweep.summary?.in_progress).toBeGreaterThan(0);
    expect(asked).toBe(sweep.statements.length);

    const { durationMs } = await runOn(url, { mayGoOn });
    if (durationMs < 1_000) expect(asked).toBe(sweep.statements.length);
  });

  it('stops with the reason when the platform suffers, and the watermark stays', async () => {
    const url = await yesterday();

    const run = await runOn(url, { mayGoOn: async () => 'the platform answers in 900 ms' });

    expect(run.outcomes.find(({ id }) => id === 'lost-answers')).toMatchObject({
      outcome: 'unknown',
      message: 'the platform answers in 900 ms',
    });
    expect(run.incremental?.watermark).toBeNull();
  });

  it('gives its result also where the watermark cannot be kept', async () => {
    const url = await yesterday();
    writeFileSync(join(folder, 'file'), '');

    const run = await runIncrementally(
      {
        environment: { name: 'test', withPostgres: openPostgres(url), platform: examPlatform },
        catalogue: database.catalogue,
        students: pseudonymiser('a salt'),
        signal: new AbortController().signal,
      },
      { watermarks: watermarkFiles(join(folder, 'file/in-no-folder')), fullEvery: 3_600_000, window: {} },
    );

    expect(outcomes(run)['lost-answers']).toBe('pass');
    expect(run.incremental).toMatchObject({
      watermark: null,
      stayed: expect.stringContaining('could not be kept'),
    });
  });

  it('without a database is unknown, and moves nothing', async () => {
    const url = await yesterday();
    await runOn(url);
    const marks = watermarkFiles(folder).read('test');
    const nowhere = new URL(url);
    nowhere.port = '1';

    const run = await runOn(nowhere.href);

    expect(new Set(run.outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
    expect(run.notes[0]).toContain('not incremental');
    expect(watermarkFiles(folder).read('test')).toEqual(marks);
  });
});

describe('where a server stands', () => {
  const limits = { margin: 0, carefulMargin: 0, smallBytes: 0 };
  const positionOf = (url: string) => serverPosition(openPostgres(url), examPlatform.integrity, limits);

  it('is held back by a transaction that has written nothing yet', async () => {
    const url = await yesterday();
    await withClient(url, async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query<{ now: Date }>('SELECT now()');
      await new Promise((resolve) => setTimeout(resolve, 20));

      const { settled, now } = await positionOf(url);

      expect(settled).toEqual(rows[0]?.now);
      expect(Number(now)).toBeGreaterThan(Number(settled));
    });
    const { settled, now } = await positionOf(url);
    expect(settled).toEqual(now);
  });

  it('names the tables that have no index on the time of their rows', async () => {
    const url = await yesterday();
    expect((await positionOf(url)).slowByTime).toContain('session_answers');
    expect((await positionOf(url)).slowByTime).not.toContain('attempt_events');
  });

  it('is the same server for the same database only', async () => {
    const [one, other] = [await yesterday(), await yesterday()];

    expect((await positionOf(one)).server).toBe((await positionOf(one)).server);
    expect((await positionOf(one)).server).not.toBe((await positionOf(other)).server);
    expect((await positionOf(one)).server).toMatch(/^\d+\/\d+\/\d+\/copy_\d+$/);
  });

  it('is told from outside where the server does not say who it is', async () => {
    const url = await yesterday(async ({ sql }) => {
      await sql('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
      await sql(`CREATE ROLE watcher LOGIN PASSWORD 'watcher'`);
    });
    const asWatcher = new URL(url);
    asWatcher.username = 'watcher';
    asWatcher.password = 'watcher';

    expect((await positionOf(asWatcher.href)).server).toMatch(/^127\.0\.0\.1:\d+\/\d+\/copy_\d+$/);
  });
});

describe('a replica', () => {
  const signal = new AbortController().signal;
  const refusing = (url: string) => {
    const nowhere = new URL(url);
    nowhere.port = '1';
    return openPostgres(nowhere.href);
  };

  it('that cannot be reached gives way to the primary, and that is said', async () => {
    const withPostgres = openPostgres(database.url);

    const choice = await chooseDatabase({ withPostgres, replica: refusing(database.url) }, signal);

    expect(choice.withPostgres).toBe(withPostgres);
    expect(choice.notes).toEqual([
      expect.stringMatching(/^read from the primary, as the replica gave no answer: /),
    ]);
  });

  it('that is none is told', async () => {
    const replica = openPostgres(database.url);

    const choice = await chooseDatabase({ withPostgres: refusing(database.url), replica }, signal);

    expect(choice.withPostgres).toBe(replica);
    expect(choice.notes).toEqual([expect.stringContaining('not in recovery')]);
  });
});
