import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { httpApi } from '../../src/adapters/api.ts';
import { BaselineFile } from '../../src/adapters/baseline-file.ts';
import { CheckHistory } from '../../src/adapters/check-history.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { mostAccepted } from '../../src/checks/baseline/baseline-keys.ts';
import { parseBaseline } from '../../src/checks/baseline/baseline-text.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import type { CheckCatalogue } from '../../src/checks/index.ts';
import {
  runBaselineAccept,
  runBaselineList,
  runBaselinePrune,
  runBaselineRemove,
} from '../../src/commands/change-baseline.ts';
import { runIntegrityCheck } from '../../src/commands/integrity-check.ts';
import { runIntegrityCompare } from '../../src/commands/integrity-compare.ts';
import type { IntegrityContext } from '../../src/commands/integrity-context.ts';
import type { AuditContent } from '../../src/lifecycle/audit.ts';
import { ConfigError, Refused, Undetermined, UsageError } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import type { Report } from '../../src/report/report.ts';
import type { ExamRecords } from '../../src/sandbox/plants/exam-records.ts';
import { type CheckDatabase, ownCheck, startCheckDatabase, withClient } from './check-database.ts';

describe('the baseline of a database', () => {
  let database: CheckDatabase;
  let folder: string;
  let file: string;
  beforeAll(async () => {
    database = await startCheckDatabase();
  });
  afterAll(() => database.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-baseline-'));
    file = join(folder, 'integrity-baseline.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const overdue = ['overdue-sessions'];
  const until = new Date(Date.now() + 86_400_000);
  const accepting = { check: overdue, until, owner: 'exam-office' };

  /** what the commands need, on this database */
  function contextOf(
    url: string,
    { name = 'staging', catalogue = database.catalogue, reason = 'ticket 4711' } = {},
  ) {
    const reports: Report[] = [];
    const audit: AuditContent[] = [];
    const context = {
      options: { breakGlass: false, reason },
      signal: new AbortController().signal,
      progress: { start: () => {}, update: () => {}, done: () => {}, note: () => {} },
      actor: 'on-call-1',
      audit: { append: async (content: AuditContent) => void audit.push(content) },
      catalogue: async () => catalogue as CheckCatalogue,
      pseudonymSalt: async () => 'salt',
      report: async (report: Report) => void reports.push(report),
      openEnvironment: async () => ({
        name,
        platform: examPlatform,
        withPostgres: openPostgres(url),
        // nobody listens there: how fast the platform is, the database tells
        api: httpApi({ url: 'http://127.0.0.1:1', basePaths: ['/v1'] }),
      }),
      baseline: async () => new BaselineFile(file),
      history: new CheckHistory(folder),
    } as unknown as IntegrityContext;
    return { context, reports, audit };
  }

  const severeOverdue = (): CheckCatalogue => ({
    ...database.catalogue,
    checks: database.checks.map((check) =>
      check.id === 'overdue-sessions' ? { ...check, severity: 'critical' } : check,
    ),
  });
  const accept = async (url: string, more: Partial<typeof accepting> = {}, reason = 'ticket 4711') => {
    const made = contextOf(url, { reason });
    await runBaselineAccept({ ...accepting, ...more }, made.context);
    return made;
  };
  const check = async (url: string, { baseline = true, name = 'staging' } = {}) => {
    const { context, reports } = contextOf(url, { name, catalogue: severeOverdue() });
    await runIntegrityCheck({ check: overdue, baseline }, context);
    const run = reports[0]?.data as CheckRun;
    const [outcome] = run.outcomes;
    return {
      exitCode: reports[0]?.exitCode,
      outcome: outcome?.outcome,
      message: outcome?.message,
      notes: run.notes,
    };
  };
  const plant =
    (count: number) =>
    async ({ session }: ExamRecords) => {
      for (let index = 0; index < count; index += 1) await session({ endedMinutesAgo: 5 + index });
    };
  const stored = () => parseBaseline(readFileSync(file, 'utf8'), file);

  it('lets known findings pass and new ones fail', async () => {
    const url = await database.copy(plant(25));
    expect(await check(url)).toMatchObject({ exitCode: 1, outcome: 'fail' });

    const { reports } = await accept(url);
    expect(reports).toMatchObject([
      { data: { environment: 'staging', counts: [{ check: 'overdue-sessions', new: 25, renewed: 0 }] } },
    ]);
    expect(await check(url)).toMatchObject({
      exitCode: 0,
      outcome: 'pass',
      message: expect.stringMatching(/^no new findings in \d+ sessions; 25 are accepted$/),
      notes: [],
    });
    expect(await check(url, { baseline: false })).toMatchObject({ exitCode: 1, outcome: 'fail' });
    expect(await check(url, { name: 'prod' })).toMatchObject({ exitCode: 1, outcome: 'fail' });

    await withClient(url, (client) =>
      client.query(
        `UPDATE test_sessions SET expires_at = now() - interval '1 hour' WHERE id IN
           (SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at > now() LIMIT 1)`,
      ),
    );
    expect(await check(url)).toMatchObject({
      exitCode: 1,
      outcome: 'fail',
      message: expect.stringMatching(/^1 finding in .*, 25 more are accepted$/),
    });
  });

  it('names no student, and tells findings apart without their ids', async () => {
    let student = '';
    let sessionId = '';
    const url = await database.copy(async ({ session }) => {
      ({ userId: student, id: sessionId } = await session({ endedMinutesAgo: 5 }));
    });

    await accept(url);

    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/"[0-9a-f]{32}"/);
    for (const secret of [student, sessionId, 'student-']) expect(text).not.toContain(secret);
  });

  it('renews what is accepted already with the new day, owner and reason, and goes on record', async () => {
    const url = await database.copy(plant(2));
    const later = new Date(Date.now() + 30 * 86_400_000);
    await accept(url);

    const again = await accept(url, { until: later, owner: 'backend' }, 'ticket 4712');

    expect(again.reports).toMatchObject([{ data: { counts: [{ new: 0, renewed: 2 }] } }]);
    expect(JSON.stringify(again.reports[0]?.blocks)).toContain(
      '(renewed 2, new 0); backend answers for them',
    );
    expect(stored()).toMatchObject([
      { until: later.toISOString(), owner: 'backend', reason: 'ticket 4712', keys: { length: 2 } },
    ]);
    expect(again.audit).toMatchObject([
      {
        result: 'started',
        reason: 'ticket 4712',
        details: { acceptances: [{ findings: 2, renewed: 2, until: later.toISOString(), owner: 'backend' }] },
      },
      { result: 'done' },
    ]);
    expect(await check(url)).toMatchObject({ exitCode: 0, outcome: 'pass' });
  });

  it('renews only what is found now, and leaves the rest with its owner', async () => {
    const url = await database.copy(plant(2));
    await accept(url);
    await withClient(url, async (client) => {
      await client.query(
        `UPDATE test_sessions SET expires_at = NULL WHERE id =
           (SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at < now() - interval '1 minute' LIMIT 1)`,
      );
      await client.query(
        `UPDATE test_sessions SET expires_at = now() - interval '1 hour' WHERE id IN
           (SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at > now() LIMIT 1)`,
      );
    });

    const second = await accept(url, { owner: 'backend' });

    expect(second.reports).toMatchObject([{ data: { counts: [{ new: 1, renewed: 1 }] } }]);
    expect(stored().map(({ owner, keys }) => [owner, keys.length])).toEqual([
      ['exam-office', 1],
      ['backend', 2],
    ]);
  });

  it('stays as it is when there are no findings', async () => {
    const { reports, audit } = await accept(database.url);

    expect(reports).toMatchObject([{ data: { counts: [{ new: 0, renewed: 0 }] } }]);
    expect(JSON.stringify(reports[0]?.blocks)).toContain('There are no findings to accept');
    expect(audit).toEqual([]);
  });

  it('that has run out fails again, until the findings are accepted anew', async () => {
    const url = await database.copy(plant(3));
    await accept(url);
    const [acceptance] = stored();
    const ended = [{ ...acceptance, until: '2026-01-01T00:00:00.000Z' }];
    writeFileSync(file, JSON.stringify({ schema: 'examctl/integrity-baseline/v1', acceptances: ended }));

    expect(await check(url)).toMatchObject({
      exitCode: 1,
      outcome: 'fail',
      message: expect.stringMatching(/^3 findings in .*; 1 acceptance has run out$/),
    });

    await accept(url);
    expect(stored()).toHaveLength(1);
    expect(await check(url)).toMatchObject({ exitCode: 0, outcome: 'pass' });
  });

  it('notes what is gone, and prunes exactly that', async () => {
    const url = await database.copy(plant(3));
    await accept(url);
    await withClient(url, (client) =>
      client.query(
        `UPDATE test_sessions SET expires_at = NULL WHERE id =
           (SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at < now() - interval '1 minute' LIMIT 1)`,
      ),
    );

    expect((await check(url)).notes).toEqual([
      'overdue-sessions: 1 of 3 accepted findings is gone; they can be removed: examctl integrity baseline prune',
    ]);
    const { context, reports, audit } = contextOf(url);
    await runBaselinePrune(context);

    expect(reports).toMatchObject([
      { exitCode: 0, data: { removed: [{ check: 'overdue-sessions', findings: 1 }], notMade: [] } },
    ]);
    expect(audit.map(({ action, result }) => `${action} ${result}`)).toEqual([
      'integrity baseline prune started',
      'integrity baseline prune done',
    ]);
    expect(stored()[0]?.keys).toHaveLength(2);
    expect(await check(url)).toMatchObject({ outcome: 'pass', notes: [] });
  });

  it('keeps what could not be looked at when it is pruned, and loses checks that there are no more', async () => {
    const url = await database.copy(plant(1));
    await accept(url);
    const [acceptance] = stored();
    const acceptances = [acceptance, { ...acceptance, check: 'of-the-past' }];
    writeFileSync(file, JSON.stringify({ schema: 'examctl/integrity-baseline/v1', acceptances }));
    await withClient(url, (client) =>
      client.query('ALTER TABLE test_sessions RENAME COLUMN expires_at TO ends_at'),
    );

    const { context, reports } = contextOf(url);
    await runBaselinePrune(context);

    expect(reports).toMatchObject([
      { exitCode: 3, data: { removed: [{ check: 'of-the-past' }], notMade: [{ id: 'overdue-sessions' }] } },
    ]);
    expect(stored()).toEqual([acceptance]);
  });

  it('accepts nothing when one of the checks could not be made', async () => {
    const url = await database.copy(async (records) => {
      await plant(1)(records);
      await records.sql('DROP TABLE algo_runs CASCADE');
    });

    const accepting = accept(url, { check: ['overdue-sessions', 'repeated-mastery-runs'] });

    await expect(accepting).rejects.toThrow(Undetermined);
    await expect(accepting).rejects.toThrow(/^nothing was accepted.*\nrepeated-mastery-runs: .*algo_runs/);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('accepts nothing when the findings cannot be read, and tells why without what is in them', async () => {
    const checks = ownCheck(
      'leaky',
      'a (a)',
      `SELECT (CASE WHEN current_query() LIKE 'SELECT DISTINCT%' THEN 'anna@example.org' ELSE '1' END)::int AS a`,
    );
    const { context } = contextOf(database.url, { catalogue: { ...database.catalogue, checks } });

    const accepting = runBaselineAccept({ check: ['leaky'], until, owner: 'exam-office' }, context);

    await expect(accepting).rejects.toBeInstanceOf(Undetermined);
    await expect(accepting).rejects.toThrow(
      'the findings could not be read: invalid input syntax for type integer: "..." (22P02)',
    );
  });

  it('accepts nothing of a database that is away', async () => {
    const nowhere = new URL(database.url);
    nowhere.port = '1';

    await expect(accept(nowhere.href)).rejects.toThrow(Undetermined);
  });

  it('refuses more findings than are an exception, and reads as many as are allowed', async () => {
    const many = (count: number) => ({
      ...database.catalogue,
      checks: [
        ...database.checks,
        ...ownCheck('many', 'row_id (a row)', `SELECT n AS row_id FROM generate_series(1, ${count}) n`),
      ],
    });
    const acceptMany = (count: number) => {
      const { context, audit } = contextOf(database.url, { catalogue: many(count) });
      return { audit, done: runBaselineAccept({ ...accepting, check: ['many'] }, context) };
    };

    const refused = acceptMany(mostAccepted + 1);
    await expect(refused.done).rejects.toThrow(Refused);
    await expect(refused.done).rejects.toThrow('many has 10,001 findings; at most 10,000');
    expect(refused.audit).toEqual([]);

    await acceptMany(mostAccepted).done;
    expect(stored()[0]?.keys).toHaveLength(mostAccepted);
    const { outcomes } = await database.run(database.url, {
      catalogue: many(mostAccepted + 1),
      only: ['many'],
      accepted: new Map([['many', stored()[0]?.keys ?? []]]),
    });
    expect(outcomes).toMatchObject([{ outcome: 'fail', findings: mostAccepted + 1, accepted: mostAccepted }]);
  });

  it('is put on record with who, why and how many, and names no student there either', async () => {
    const url = await database.copy(plant(2));

    const { audit } = await accept(url);

    expect(audit).toMatchObject([
      {
        actor: 'on-call-1',
        environment: 'staging',
        action: 'integrity baseline accept',
        reason: 'ticket 4711',
        result: 'started',
        details: {
          file,
          acceptances: [
            { check: 'overdue-sessions', findings: 2, owner: 'exam-office', until: until.toISOString() },
          ],
        },
      },
      { result: 'done' },
    ]);
    expect(stored()[0]).toMatchObject({ acceptedBy: 'on-call-1', reason: 'ticket 4711' });
  });

  it('is listed by environment, without hashes, and removed by check', async () => {
    const url = await database.copy(plant(2));
    await accept(url);
    const staging = contextOf(url);
    const prod = contextOf(url, { name: 'prod' });

    await runBaselineList(staging.context);
    await runBaselineList({
      ...staging.context,
      options: { env: 'prod' } as never,
      baseline: staging.context.baseline,
      report: staging.context.report,
    });
    expect(staging.reports).toMatchObject([
      { data: { acceptances: [{ check: 'overdue-sessions', findings: 2, expired: false }] } },
      { data: { acceptances: [] } },
    ]);
    expect(JSON.stringify(staging.reports[0])).not.toMatch(/[0-9a-f]{32}/);

    await expect(runBaselineRemove({ check: overdue }, prod.context)).rejects.toThrow(UsageError);
    const near = runBaselineRemove({ check: ['overdue-session'] }, staging.context);
    await expect(near).rejects.toMatchObject({
      hint: expect.stringContaining('did you mean "overdue-sessions"'),
    });
    expect(stored()).toHaveLength(1);

    await runBaselineRemove({ check: overdue }, staging.context);
    expect(stored()).toEqual([]);
    expect(staging.audit.map(({ result }) => result)).toEqual(['started', 'done']);
  });

  it.each([
    ['no check', { check: [] }, undefined, 'no check was named'],
    ['an unknown check', { check: ['overdue-session'] }, undefined, 'there is no check "overdue-session"'],
    ['a check that counts', { check: ['count-answers'] }, undefined, 'count-answers only counts'],
    ['no reason', {}, ' ', 'with a reason'],
    ['no owner', { owner: ' ' }, undefined, '--owner names nobody'],
  ])('refuses to accept with %s', async (_, more, reason, message) => {
    const { context, audit } = contextOf(database.url, reason === undefined ? {} : { reason });

    const accepted = runBaselineAccept({ ...accepting, ...more }, context);

    await expect(accepted).rejects.toThrow(UsageError);
    await expect(accepted).rejects.toThrow(message);
    expect(audit).toEqual([]);
  });

  it('that is damaged ends every command that needs it before the database is asked', async () => {
    writeFileSync(file, '<<<<<<< HEAD');
    const { context, reports } = contextOf('postgres://nowhere:1/none');

    for (const command of [
      () => runIntegrityCheck({ check: overdue }, context),
      () => runBaselineAccept(accepting, context),
      () => runBaselineList(context),
      () => runBaselineRemove({ check: overdue }, context),
      () => runBaselinePrune(context),
    ])
      await expect(command()).rejects.toThrow(ConfigError);
    expect(reports).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('<<<<<<< HEAD');
  });

  it('limits of a check decide its outcome in a run', async () => {
    const url = await database.copy(plant(3));
    const outcomeWith = async (fail: { count: number } | { share: number }) => {
      const thresholds = { 'overdue-sessions': { fail } };
      const { outcomes } = await database.run(url, {
        catalogue: { ...database.catalogue, thresholds },
        only: overdue,
      });
      return outcomes[0]?.outcome;
    };

    expect(await outcomeWith({ count: 3 })).toBe('fail');
    expect(await outcomeWith({ count: 4 })).toBe('pass');
    expect(await outcomeWith({ share: 0.1 })).toBe('fail');
    expect(await outcomeWith({ share: 0.9 })).toBe('pass');
  });

  it('and the history tell a new finding from the ones before', async () => {
    const url = await database.copy(plant(2));
    await check(url);
    await withClient(url, (client) =>
      client.query(
        `UPDATE test_sessions SET expires_at = now() - interval '1 hour' WHERE id IN
           (SELECT id FROM test_sessions WHERE status = 'ACTIVE' AND expires_at > now() LIMIT 1)`,
      ),
    );
    await check(url);
    await check(url);
    const { context, reports } = contextOf(url);

    const first = context.history.ids('staging').at(-1) ?? '';
    await runIntegrityCompare(first, 'latest', context);
    await runIntegrityCompare('previous', 'latest', context);

    expect(reports).toMatchObject([
      { exitCode: 1, data: { checks: [{ change: 'worse', new: 1, gone: 0, comparedBy: 'findings' }] } },
      { exitCode: 0, data: { checks: [{ change: 'same', new: 0, gone: 0 }] } },
    ]);
  });
});
