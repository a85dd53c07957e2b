import { expect, test } from 'vitest';
import { type LoadContext, loadCommand, runLoadList, runLoadRun } from '../../src/commands/load.ts';
import { loadReport } from '../../src/commands/load-report.ts';
import { Refused, UsageError } from '../../src/lifecycle/errors.ts';
import type { LoadResult } from '../../src/load/load-result.ts';
import type { Report } from '../../src/report/report.ts';

const usual = { profile: 'smoke', engine: 'auto' } as const;

function contextWith(overrides: Partial<LoadContext> = {}) {
  const reports: Report[] = [];
  const recorded: string[] = [];
  const context = {
    options: { breakGlass: false, dryRun: false },
    signal: new AbortController().signal,
    actor: 'on-call-1',
    progress: { start: () => {}, update: () => {}, done: () => {}, note: () => {} },
    report: async (report: Report) => {
      reports.push(report);
    },
    audit: { append: async ({ result }: { result: string }) => recorded.push(result) },
    evidenceFolder: () => '/nowhere',
    loadPorts: async () => ({}),
    openEnvironment: async () => {
      throw new Error('the environment is not needed here');
    },
    ...overrides,
  } as unknown as LoadContext;
  return { context, reports, recorded };
}

async function parsed(...flags: string[]) {
  const command = loadCommand(contextWith().context).exitOverride();
  const run = command.commands.find((candidate) => candidate.name() === 'run');
  let seen: object | undefined;
  run?.exitOverride().configureOutput({ writeErr: () => {} });
  run?.action((scenario, options) => {
    seen = { scenario, ...options };
  });
  await command.parseAsync(['run', ...flags], { from: 'user' });
  return seen;
}

test('without flags it is a smoke run with the engine that there is', async () => {
  expect(await parsed('answers')).toEqual({
    scenario: 'answers',
    profile: 'smoke',
    engine: 'auto',
    reconcile: true,
  });
});

test('students are a number, the duration is seconds', async () => {
  expect(
    await parsed(
      'answers',
      '--profile',
      'exam-day',
      '--engine',
      'k6',
      '--students',
      '40',
      '--duration',
      '1m30s',
      '--no-reconcile',
    ),
  ).toEqual({
    scenario: 'answers',
    profile: 'exam-day',
    engine: 'k6',
    students: 40,
    duration: 90,
    reconcile: false,
  });
});

test.each([
  ['--students', 'many'],
  ['--students', '0'],
  ['--duration', 'soon'],
  ['--engine', 'jmeter'],
])('%s %s is refused', async (flag, value) => {
  await expect(parsed('answers', flag, value)).rejects.toThrow(/invalid/i);
});

test('an unknown scenario or profile is a usage error before the environment is opened', async () => {
  const { context } = contextWith();
  await expect(runLoadRun('anwsers', usual, context)).rejects.toThrow(UsageError);
  await expect(runLoadRun('answers', { ...usual, profile: 'big' }, context)).rejects.toThrow(UsageError);
});

test('the list has each scenario in each profile', async () => {
  const { context, reports } = contextWith();
  await runLoadList(context);
  expect(reports[0]?.rows).toHaveLength(8);
  expect(reports[0]?.rows).toContainEqual(
    expect.objectContaining({ scenario: 'submit-spike', profile: 'exam-day', students: 400, seconds: 600 }),
  );
});

const staging = {
  name: 'staging',
  protected: false,
  platform: { basePaths: ['/v1'] },
  api: { url: 'http://127.0.0.1:1', baseUrl: async () => 'http://127.0.0.1:1/v1' },
  thresholds: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 },
  withPostgres: async () => ({ rows: [{ in_progress: 0, last_ends_at: null }] }),
  identities: async (count: number) =>
    Array.from({ length: Math.min(count, 5) }, (_, index) => ({
      userId: `u${index}`,
      email: `${index}@x`,
      token: 't',
    })),
} as unknown as Awaited<ReturnType<LoadContext['openEnvironment']>>;

test('a dry run tells what would be written, without a token', async () => {
  const { context, reports, recorded } = contextWith({
    openEnvironment: async () => staging,
    options: { dryRun: true, breakGlass: false } as LoadContext['options'],
  });
  await runLoadRun('submit-spike', { ...usual, students: 4 }, context);
  expect(reports[0]).toMatchObject({
    kind: 'load.plan',
    data: { students: 4, answers: 20, baseUrl: 'http://127.0.0.1:1/v1' },
  });
  expect(JSON.stringify(reports[0])).not.toContain('token');
  expect(recorded).toEqual([]);
});

test('more students than identities are a usage error that says how many there are', async () => {
  const { context } = contextWith({ openEnvironment: async () => staging });
  await expect(runLoadRun('answers', { ...usual, students: 6 }, context)).rejects.toThrow(
    'staging has 5 identities for load, 6 virtual students need one each',
  );
});

test('a refusal goes on record', async () => {
  const { context, recorded } = contextWith({
    openEnvironment: async () => ({ ...staging, protected: true }),
  });
  await expect(runLoadRun('answers', { ...usual, students: 4 }, context)).rejects.toThrow(Refused);
  expect(recorded).toEqual([expect.stringContaining('refused: load on staging is refused')]);
});

const result: LoadResult = {
  scenario: 'answers',
  profile: 'smoke',
  engine: { name: 'builtin', version: '0.1.0' },
  startedAt: '2026-01-01T10:00:00.000Z',
  endedAt: '2026-01-01T10:01:00.000Z',
  aborted: false,
  virtualStudents: 4,
  studentsFinished: 4,
  sessionsLeftOpen: 0,
  requests: 1,
  failed: 0,
  errorRate: 0,
  byStatus: { 200: 1 },
  latency: null,
  generator: { busyCores: null, usableCores: 2, lag: null },
  perEndpoint: { answer: { requests: 1, failed: 0, latency: null } },
  notMeasured: { requests: 0, failed: 0, byStatus: {} },
  causes: [],
  ledgerFile: '/run/l',
  samplesFile: '/run/s',
  timelineFile: '/run/t',
  tallyFile: '/run/y',
  outcomes: [],
};

test.each([
  [['pass', 'pass'], 0],
  [['pass', 'unknown'], 3],
  [['unknown', 'fail'], 1],
] as const)('outcomes %j exit with %d', (outcomes, exitCode) => {
  const records = outcomes.map((outcome, index) => ({ id: `${index}`, title: 't', outcome, message: 'm' }));
  expect(loadReport({ ...result, outcomes: records }, null, '/run').exitCode).toBe(exitCode);
});
