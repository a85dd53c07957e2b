import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError, InvalidArgumentError } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { BaselineFile } from '../../src/adapters/baseline-file.ts';
import { CheckHistory } from '../../src/adapters/check-history.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import { integrityCommand } from '../../src/commands/integrity.ts';
import { runIntegrityCheck } from '../../src/commands/integrity-check.ts';
import type { IntegrityContext } from '../../src/commands/integrity-context.ts';
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
        details: { checks: ['lost-answers'] },
      },
    ]);
    expect(withReason.said.reports).toMatchObject([{ data: { identified: true } }]);
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
      text: 'staging, all sessions; 1 read-only statement on one connection in 1.3 s; longest lost-answers with 0.0 s',
    });
  });

  it('of the list of checks has a row for each, and not its SQL', () => {
    const report = checkListReport(checks);

    expect(report.rows).toHaveLength(checks.length);
    expect(report.blocks[0]).toMatchObject({
      rows: expect.arrayContaining([expect.arrayContaining(['lost-answers', 'critical'])]),
    });
    expect(report.rows?.some((row) => 'sql' in row)).toBe(false);
  });
});
