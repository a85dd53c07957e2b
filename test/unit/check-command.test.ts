import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError, InvalidArgumentError } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { BaselineFile } from '../../src/adapters/baseline-file.ts';
import { CheckHistory } from '../../src/adapters/check-history.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import type { CheckPlan } from '../../src/checks/running/run-checks.ts';
import { integrityCommand } from '../../src/commands/integrity.ts';
import { runIntegrityCheck } from '../../src/commands/integrity-check.ts';
import type { IntegrityContext } from '../../src/commands/integrity-context.ts';
import { checkPlanReport } from '../../src/commands/integrity-plan-report.ts';
import { checkListReport, checkRunReport } from '../../src/commands/integrity-report.ts';
import { parseSince } from '../../src/commands/since-argument.ts';
import type { AuditContent } from '../../src/lifecycle/audit.ts';
import { Undetermined, UsageError } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import type { Report } from '../../src/report/report.ts';
import { packagedCatalogue } from '../support/catalogue.ts';

const catalogue = await packagedCatalogue();
const { checks } = catalogue;

const folder = mkdtempSync(join(tmpdir(), 'examctl-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The environment's database is away: what matters here is what is asked of it, and when. */
function contextOf(options: { reason?: string } = {}) {
  const said: { reports: Report[]; audit: AuditContent[]; opened: number } = {
    reports: [],
    audit: [],
    opened: 0,
  };
  const context = {
    options: { breakGlass: false, ...options },
    signal: new AbortController().signal,
    progress: { start: () => {}, update: () => {}, done: () => {}, note: () => {} },
    actor: 'on-call-1',
    audit: { append: async (content: AuditContent) => void said.audit.push(content) },
    catalogue: async () => catalogue,
    baseline: async () => new BaselineFile(join(folder, 'baseline.json')),
    history: new CheckHistory(folder),
    pseudonymSalt: async () => 'salt',
    report: async (report: Report) => void said.reports.push(report),
    openEnvironment: async () => {
      said.opened += 1;
      return {
        name: 'staging',
        platform: examPlatform,
        withPostgres: async () => {
          throw new Undetermined('the database is away', { hint: 'start it' });
        },
      };
    },
  } as unknown as IntegrityContext;
  return { context, said };
}

const parse = async (context: IntegrityContext, ...args: string[]) => {
  const command = integrityCommand(context);
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync(args, { from: 'user' });
};

describe('integrity check', () => {
  it('takes several checks and a time', async () => {
    const { context, said } = contextOf();

    await parse(
      context,
      'check',
      '--check',
      'lost-answers',
      '--check',
      'count-answers',
      '--since',
      '2026-05-04T09:00+02:00',
    );

    expect(said.reports[0]?.outcomes?.map(({ id }) => id)).toEqual(['lost-answers', 'count-answers']);
    expect(said.reports).toMatchObject([
      { data: { scope: 'sessions started since 2026-05-04T07:00:00.000Z' } },
    ]);
  });

  it('runs all checks when none is named, and exits 3 when they could not be made', async () => {
    const { context, said } = contextOf();

    await parse(context, 'check');

    expect(said.reports[0]?.outcomes).toHaveLength(checks.length);
    expect(said.reports[0]?.exitCode).toBe(3);
    expect(said.reports[0]?.outcomes?.[0]).toMatchObject({
      outcome: 'unknown',
      message: 'the database is away',
      hint: 'start it',
    });
  });

  it('refuses an unknown check before it opens the environment', async () => {
    const { context, said } = contextOf();

    const run = runIntegrityCheck({ check: ['lost-anwsers'] }, context);

    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toMatchObject({ hint: expect.stringContaining('"lost-answers"') });
    expect(said.opened).toBe(0);
  });

  it('identifies students only with a reason, and puts it on record before it looks', async () => {
    const without = contextOf();
    const withReason = contextOf({ reason: 'student asked about a lost answer' });

    await expect(runIntegrityCheck({ check: [], identify: true }, without.context)).rejects.toThrow(
      UsageError,
    );
    await runIntegrityCheck({ check: ['lost-answers'], identify: true }, withReason.context);

    expect(without.said.opened).toBe(0);
    expect(withReason.said.audit).toMatchObject([
      {
        actor: 'on-call-1',
        environment: 'staging',
        action: 'integrity check --identify',
        reason: 'student asked about a lost answer',
        result: 'started',
        details: { checks: ['lost-answers'] },
      },
      { action: 'integrity check --identify', result: 'done', details: { exitCode: 3 } },
    ]);
    expect(withReason.said.reports).toMatchObject([{ data: { identified: true } }]);
  });

  it('puts on record when an identification failed', async () => {
    const { context, said } = contextOf({ reason: 'student asked about a lost answer' });
    const report = async () => {
      throw new Undetermined('stdout is full');
    };

    const run = runIntegrityCheck({ check: ['lost-answers'], identify: true }, { ...context, report });

    await expect(run).rejects.toThrow('stdout is full');
    expect(said.audit.map(({ result }) => result)).toEqual(['started', 'failed: stdout is full']);
  });

  it('puts on record when an identification was stopped', async () => {
    const { context, said } = contextOf({ reason: 'student asked about a lost answer' });
    const abort = new AbortController();
    const report = async () => abort.abort(new Undetermined('--timeout'));

    await runIntegrityCheck(
      { check: ['lost-answers'], identify: true },
      { ...context, report, signal: abort.signal },
    );

    expect(said.audit.map(({ result }) => result)).toEqual(['started', 'stopped']);
  });

  it.each([
    ['', '--all names no file'],
    [' ', '--all names no file'],
    ['folder/', '--all names a folder: folder/'],
  ])('refuses --all "%s" before it opens anything', async (all, reason) => {
    const { context, said } = contextOf();

    const run = runIntegrityCheck({ check: ['lost-answers'], all }, context);

    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(reason);
    expect(said.opened).toBe(0);
  });

  it('asks nothing, and records no identification, when the file of --all cannot be written', async () => {
    const { context, said } = contextOf({ reason: 'student asked about a lost answer' });
    const openSink = async () => {
      throw new UsageError('it is a folder');
    };

    const run = runIntegrityCheck(
      { check: ['lost-answers'], all: 'folder', identify: true },
      { ...context, openSink },
    );

    await expect(run).rejects.toThrow('it is a folder');
    expect(said.reports).toEqual([]);
    expect(said.audit).toEqual([]);
  });

  it('discards the file of --all when there was nothing to write it from', async () => {
    const { context, said } = contextOf();
    const closed: boolean[] = [];
    const openSink = async () => ({
      write: async () => true,
      close: async (complete: boolean) => void closed.push(complete),
    });

    await runIntegrityCheck({ check: ['lost-answers'], all: 'file' }, { ...context, openSink });

    expect(closed).toEqual([false]);
    expect(said.reports[0]?.exitCode).toBe(3);
    expect(said.reports).toMatchObject([
      { data: { notes: ['the findings were not written: the run came to no end'] } },
    ]);
  });

  it.each(['2026-05-04T09:00', '2026-13-01T00:00Z', 'yesterday', '9999-01-01T00:00Z'])(
    'refuses %s as a time',
    async (time) => {
      const { context, said } = contextOf();

      await expect(parse(context, 'check', '--since', time)).rejects.toThrow(CommanderError);
      expect(said.reports).toEqual([]);
    },
  );
});

describe('a time for --since', () => {
  const now = new Date('2026-05-04T12:00:00Z');

  it('is ISO 8601 with a zone, or a duration before now', () => {
    expect(parseSince('2026-05-04T09:00Z', undefined, now)).toEqual(new Date('2026-05-04T09:00:00Z'));
    expect(parseSince('1h30m', undefined, now)).toEqual(new Date('2026-05-04T10:30:00Z'));
  });

  it('must have a zone', () => {
    expect(() => parseSince('2026-05-04T09:00', undefined, now)).toThrow(InvalidArgumentError);
  });
});

describe('the report of a run', () => {
  const result = {
    id: 'lost-answers',
    title: 'each answer is stored',
    outcome: 'fail' as const,
    message: '21 findings',
    hint: 'restore them',
    severity: 'critical' as const,
    findings: 21,
    accepted: 0,
    firstAt: null,
    lastAt: null,
    causes: [],
    lookedAt: null,
    columns: [
      { name: 'session_id', meaning: 's', personal: false },
      { name: 'stored', meaning: 'c', personal: false },
    ],
    samples: [{ session_id: 's1' }, { session_id: 's2', stored: '3' }],
    durationMs: 40,
  };
  const run: CheckRun = {
    environment: 'staging',
    scope: null,
    snapshotAt: null,
    startedAt: new Date(),
    durationMs: 1_250,
    identified: false,
    summary: null,
    outcomes: [result, { ...result, id: 'late', outcome: 'pass', samples: [], findings: 0 }],
    statements: [{ checks: ['lost-answers'], connection: 1, cost: 10, durationMs: 40 }],
    notes: [],
  };

  it('shows a table of findings and the remedy for each check that found something', () => {
    const { blocks, exitCode } = checkRunReport(run);
    const shown = (of: typeof run.outcomes, options = {}) => {
      const [first] = checkRunReport({ ...run, outcomes: of }, options).blocks;
      return first?.type === 'outcomes' ? first.outcomes : [];
    };
    const [some] = run.outcomes;
    if (some === undefined) throw new Error('no outcome');
    const as = (id: string, outcome: typeof some.outcome, message = id) => ({
      ...some,
      id,
      outcome,
      message,
    });
    // what is bad comes first, and one cause is said once
    const mixed = [as('a', 'pass'), as('b', 'fail'), as('c', 'unknown'), as('d', 'skipped')];
    expect(shown(mixed).map(({ id }) => id)).toEqual(['b', 'c', 'a', 'd']);
    expect(shown(mixed, { failedOnly: true }).map(({ id }) => id)).toEqual(['b', 'c']);
    const away = ['a', 'b', 'c'].map((id) => as(id, 'unknown', 'the database is away'));
    expect(shown(away)).toMatchObject([
      { title: '3 checks could not be made', message: 'the database is away' },
    ]);

    expect(exitCode).toBe(1);
    expect(blocks.filter(({ type }) => type === 'table')).toEqual([
      {
        type: 'table',
        columns: [{ title: 'session_id' }, { title: 'stored' }],
        rows: [
          ['s1', null],
          ['s2', '3'],
        ],
      },
    ]);
    expect(JSON.stringify(blocks)).toContain('and 19 more');
    expect(JSON.stringify(blocks)).toContain('What to do: restore them');
    expect(blocks.at(-1)).toEqual({
      type: 'text',
      text: 'staging, all sessions; 1 read-only statement on one connection in 1.3 s',
    });
  });

  it('says which statement took longest, in few words, when that is long', () => {
    const closing = (checks: readonly string[], durationMs: number) => {
      const statements = [{ checks, connection: 1, cost: 10, durationMs }];
      return (checkRunReport({ ...run, statements }).blocks.at(-1) as { text: string }).text;
    };

    expect(closing(['a', 'b', 'c', 'd'], 100)).toMatch(/ in 1\.3 s; longest a, b and 2 more with 0\.1 s$/);
    expect(closing(['a', 'b'], 2_000)).toMatch(/; longest a, b with 2\.0 s$/);
    expect(closing(['a', 'b', 'c', 'd'], 99)).toMatch(/ in 1\.3 s$/);
  });

  it('has no table without rows', () => {
    const { blocks } = checkRunReport({ ...run, outcomes: [{ ...result, samples: [] }] });

    expect(blocks.filter(({ type }) => type === 'table')).toEqual([]);
    expect(JSON.stringify(blocks)).toContain('21 findings; --samples shows them');
    expect(JSON.stringify(blocks)).not.toContain('and 21 more');
  });

  it('of a plan has singulars, and says how short it is', () => {
    const plan: CheckPlan = {
      sessionsInProgress: 1,
      connections: 1,
      statements: [{ checks: checks.slice(0, 1), cost: 1 }],
      leftOut: [],
      problems: [],
    };
    const about = { environment: 'staging', scope: null, notes: [] };

    expect(checkPlanReport({ ...about, plan, tookBefore: () => undefined }).blocks.at(-1)).toEqual({
      type: 'text',
      text: 'staging, all sessions; 1 read-only statement on one connection, together less than 0.1 s; 1 exam session is in progress, so it would rest between statements. Only EXPLAIN was run.',
    });
    expect(checkPlanReport({ ...about, plan, tookBefore: () => 2 }).blocks.at(-1)).toMatchObject({
      text: expect.stringContaining('together about 2.0 s'),
    });
  });

  it('of the list of checks has a row for each, and not its SQL', () => {
    const report = checkListReport(checks);

    expect(report.rows).toHaveLength(checks.length);
    expect(report.blocks[0]).toMatchObject({
      rows: expect.arrayContaining([expect.arrayContaining(['lost-answers', 'critical'])]),
    });
    expect(report.rows?.some((row) => 'sql' in row)).toBe(false);
    expect(report.blocks).toHaveLength(1);
  });

  it('of the list of checks shows what each looks at, and its suites', () => {
    const [table] = checkListReport(checks).blocks;

    expect(table).toMatchObject({
      columns: expect.arrayContaining([{ title: 'looks at' }, { title: 'suites' }]),
      rows: expect.arrayContaining([
        ['unscored-sessions', 'critical', expect.any(String), 'sessions', 'core', 'scan'],
      ]),
    });
  });

  it('of the list of checks names the broken ones apart', () => {
    const broken = { reason: 'not asked, as its file is wrong', hint: 'examctl integrity lint zero.sql' };
    const [table, ...others] = checkListReport(
      checks.slice(0, 2).map((check, index) => (index === 0 ? { ...check, broken } : check)),
    ).blocks;

    expect(table).toMatchObject({ rows: [[checks[1]?.id, ...Array(5).fill(expect.any(String))]] });
    expect(others).toContainEqual({
      type: 'list',
      items: [`${checks[0]?.id}: ${broken.reason}; ${broken.hint}`],
    });
  });
});
