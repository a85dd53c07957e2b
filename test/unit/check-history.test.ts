import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckHistory } from '../../src/adapters/check-history.ts';
import type { CheckResult, CheckRun, Finding } from '../../src/checks/check-run.ts';
import { compareRuns } from '../../src/checks/compare-runs.ts';
import { findRun, keepRun } from '../../src/commands/check-history.ts';
import { compareReport, runIntegrityCompare } from '../../src/commands/integrity-compare.ts';
import { runIntegrityHistory } from '../../src/commands/integrity-history.ts';
import { checkRunReport } from '../../src/commands/integrity-report.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { renderReport } from '../../src/report/render.ts';
import type { OutputFormat, Report } from '../../src/report/report.ts';

const sample = (session: number, student = `student-${session}`): Finding => ({
  session_id: `s${session}`,
  user_id: student,
  cause: session % 2 === 0 ? 'even' : 'odd',
});

function result(samples: readonly Finding[], more: Partial<CheckResult> = {}): CheckResult {
  const findings = more.findings === undefined ? samples.length : more.findings;
  return {
    id: 'lost-answers',
    title: 'each answer is stored',
    outcome: findings === 0 ? 'pass' : 'fail',
    message: `${findings} findings`,
    severity: 'critical',
    accepted: 0,
    firstAt: null,
    lastAt: null,
    causes: [],
    lookedAt: null,
    columns: [
      { name: 'session_id', meaning: 's', personal: false },
      { name: 'user_id', meaning: 'u', personal: true },
      { name: 'cause', meaning: 'c', personal: false },
    ],
    samples,
    durationMs: 4,
    ...more,
    findings,
  };
}

function runOf(outcomes: readonly CheckResult[], more: Partial<CheckRun> = {}): CheckRun {
  return {
    environment: 'staging',
    scope: null,
    snapshotAt: '2026-05-04T09:00:00.000Z',
    startedAt: new Date('2026-05-04T09:00:00Z'),
    durationMs: 1_250,
    identified: false,
    summary: null,
    outcomes,
    statements: [],
    notes: [],
    ...more,
  };
}

const saved = (run: CheckRun) => ({
  name: 'x',
  run: { ...run, startedAt: run.startedAt.toISOString() },
});
const compared = (before: CheckResult, after: CheckResult) => compareRuns(runOf([before]), runOf([after]))[0];

describe('two runs', () => {
  it('are compared finding by finding where both kept all of them, whatever students are called', () => {
    const change = compared(result([sample(1), sample(2)]), result([sample(2, 'other'), sample(3)]));

    expect(change).toMatchObject({ change: 'worse', new: 1, gone: 1, comparedBy: 'findings' });
    expect(change?.newFindings).toEqual([sample(3)]);
    expect(change?.goneFindings).toEqual([sample(1)]);
  });

  it('are compared by numbers where one kept samples only', () => {
    const many = (findings: number) => result([sample(1), sample(2)], { findings });

    expect(compared(many(40), many(42))).toMatchObject({
      change: 'worse',
      new: 2,
      gone: 0,
      comparedBy: 'counts',
    });
    expect(compared(many(42), many(40))).toMatchObject({ change: 'better', new: 0, gone: 2 });
    expect(compared(many(40), many(40))).toMatchObject({ change: 'same', new: 0, gone: 0 });
    expect(compared(many(40), result([]))).toMatchObject({
      change: 'better',
      gone: 40,
      comparedBy: 'counts',
    });
  });

  it('count findings of the same key each', () => {
    expect(compared(result([sample(1)]), result([sample(1), sample(1)]))).toMatchObject({ new: 1, gone: 0 });
  });

  it('are worse by their outcome, too', () => {
    const warned = result([sample(1)], { outcome: 'warn' });
    const failed = result([sample(1)]);

    expect(compared(warned, failed)).toMatchObject({ change: 'worse', new: 0 });
    expect(compared(failed, warned)).toMatchObject({ change: 'better', gone: 0 });
  });

  it('are not worse by findings that somebody accepted', () => {
    const accepted = result([sample(1)], { outcome: 'pass', accepted: 1 });

    expect(compared(result([]), accepted)).toMatchObject({ change: 'same', new: 1 });
  });

  it('cannot be compared where one of them is unknown, and are left alone where one did not ask', () => {
    const unknown = result([], { outcome: 'unknown', findings: null });
    const other = result([sample(1)], { id: 'late-submits' });

    expect(compared(result([]), unknown)).toMatchObject({ change: 'unknown', comparedBy: null, new: null });
    expect(compared(unknown, result([sample(1)]))?.change).toBe('unknown');
    expect(compareRuns(runOf([other]), runOf([])).map(({ change }) => change)).toEqual(['skipped']);
    expect(compareRuns(runOf([]), runOf([other]))[0]).toMatchObject({ change: 'skipped', new: null });
  });

  it('leave out what only counts, and tell the worst first', () => {
    const counting = result([sample(1)], { id: 'count-answers', severity: 'info', outcome: 'pass' });
    const late = result([sample(1)], { id: 'late-submits' });

    const changes = compareRuns(
      runOf([counting, result([]), result([], { id: 'late-submits' })]),
      runOf([counting, result([]), late]),
    );
    expect(changes.map(({ id, change }) => `${id} ${change}`)).toEqual([
      'late-submits worse',
      'lost-answers same',
    ]);
  });

  it('give exit code 1 when something got worse, 3 when something cannot be told, else 0', () => {
    const exitCodeOf = (before: CheckResult, after: CheckResult) =>
      compareReport(saved(runOf([before])), saved(runOf([after]))).exitCode;
    const unknown = result([], { outcome: 'unknown', findings: null });

    expect(exitCodeOf(result([]), result([sample(1)]))).toBe(1);
    expect(exitCodeOf(result([sample(1)]), unknown)).toBe(3);
    expect(exitCodeOf(result([sample(1)]), result([]))).toBe(0);
    expect(exitCodeOf(result([sample(1)]), result([sample(1)]))).toBe(0);
    expect(compareReport(saved(runOf([])), saved(runOf([]))).exitCode).toBe(3);
  });

  it('of different windows cannot be compared: what lies outside of one is not gone', async () => {
    const all = runOf([result([sample(1)])]);
    const morning = runOf([result([])], { scope: 'sessions started since 9:00' });
    const report = compareReport(saved(all), saved(morning));

    expect(compareRuns(all, morning)).toMatchObject([
      { change: 'unknown', findings: { before: 1, after: 0 }, new: null, gone: null, comparedBy: null },
    ]);
    expect(report.exitCode).toBe(3);
    expect(await render(report, 'table')).toContain(
      'cannot be compared: the first run looked at all sessions, the second at sessions started since 9:00',
    );
    expect(compareReport(saved(morning), saved(morning)).exitCode).toBe(0);
  });

  it('of as many, but other given sessions cannot be compared', () => {
    const given = (sessionsDigest: string) =>
      runOf([result([])], { scope: 'sessions among the 2 given ones', sessionsDigest });

    expect(compareRuns(given('a'), given('b'))).toMatchObject([
      { change: 'unknown', reason: 'each run looked at other sessions among the 2 given ones' },
    ]);
    expect(compareRuns(given('a'), given('a'))).toMatchObject([{ change: 'same', reason: null }]);
  });

  it('of different windows are compared in what always looks at everything', () => {
    const rules = (findings: readonly Finding[]) =>
      result(findings, { id: 'constraints-valid', window: 'none' });
    const narrow = { scope: 'sessions started since 9:00' };

    expect(compareRuns(runOf([rules([])]), runOf([rules([sample(1)])], narrow))).toMatchObject([
      { change: 'worse', new: 1 },
    ]);
  });

  it('of different environments or order are told to be so', () => {
    const { blocks } = compareReport(
      saved(runOf([])),
      saved(runOf([], { environment: 'prod', startedAt: new Date(0) })),
    );

    const notes = blocks.flatMap((block) =>
      'text' in block && block.text.startsWith('Note') ? [block.text] : [],
    );
    expect(notes).toEqual([
      'Note: the runs are of two environments: staging and prod',
      'Note: the first of the runs is the later one',
    ]);
  });

  it('are shown with how they were compared, and the new findings', async () => {
    const text = await render(
      compareReport(saved(runOf([result([sample(1)])])), saved(runOf([result([sample(1), sample(2)])]))),
      'table',
    );

    expect(text).toContain('findings 1 -> 2 (1 new, one by one)');
    expect(text).toMatch(/lost-answers: new\n.*session_id.*\n.*s2 .*student-2 .*even/);
    expect(text).not.toContain('s1 ');
  });
});

describe('the history', () => {
  let folder: string;
  let history: CheckHistory;
  const notes: string[] = [];
  const reports: Report[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-history-'));
    history = new CheckHistory(folder, { kept: 3 });
    notes.length = 0;
    reports.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const context = () => ({
    history,
    progress: { note: (text: string) => void notes.push(text) } as never,
    openEnvironment: async () => ({ name: 'staging' }) as Environment,
    report: async (report: Report) => void reports.push(report),
  });
  const environment = async () => 'staging';
  const keep = (minute: number, run: CheckRun = runOf([result([sample(1)])])) =>
    keepRun({ ...run, startedAt: new Date(Date.UTC(2026, 4, 4, 9, minute)) }, context());

  it('keeps the newest of each environment', () => {
    for (const minute of [1, 2, 3, 4]) keep(minute);
    keep(1, runOf([], { environment: 'prod' }));

    expect(history.ids('staging')).toEqual([
      expect.stringMatching(/^20260504T090400000Z-[0-9a-f]{4}$/),
      expect.stringMatching(/^20260504T0903/),
      expect.stringMatching(/^20260504T0902/),
    ]);
    expect(history.ids('prod')).toHaveLength(1);
    expect(history.ids('nowhere')).toEqual([]);
    expect(readdirSync(join(folder, 'integrity', 'staging'))).toHaveLength(3);
  });

  it('keeps no student whom a run identified, and not more than a hundred findings of a check', async () => {
    const many = Array.from({ length: 150 }, (_, index) => sample(index));
    keep(1, runOf([result(many)], { identified: true }));
    keep(2, runOf([result(many)]));

    const { run: identified } = await findRun('previous', environment, history);
    const { run: usual } = await findRun('latest', environment, history);
    expect(JSON.stringify(identified)).not.toContain('student-');
    expect(identified.outcomes[0]).toMatchObject({ findings: 150, samples: [] });
    expect(usual.outcomes[0]?.samples).toHaveLength(100);
  });

  it('that cannot be written is a warning, and not the end of the run', () => {
    writeFileSync(join(folder, 'integrity'), 'a file in the way');

    keep(1);

    expect(notes).toEqual([expect.stringMatching(/^warning: the result is not in the history: /)]);
  });

  it('finds runs by latest, previous and the beginning of an id', async () => {
    for (const minute of [1, 2]) keep(minute);
    const nameOf = async (reference: string) => (await findRun(reference, environment, history)).name;

    expect(await nameOf('latest')).toBe(history.ids('staging')[0]);
    expect(await nameOf('previous')).toBe(history.ids('staging')[1]);
    expect(await nameOf('20260504T0901')).toBe(history.ids('staging')[1]);
    await expect(nameOf('20260504')).rejects.toThrow('"20260504" fits 2 runs of staging');
    await expect(nameOf('7f3a')).rejects.toThrow('there is no run "7f3a" of staging');
  });

  it('says so when there is no run to compare with', async () => {
    const find = (reference: string) => findRun(reference, environment, history);

    await expect(find('latest')).rejects.toThrow('there is no latest run of staging: no run is kept');
    keep(1);
    await expect(find('previous')).rejects.toThrow('only one run is kept');
    await expect(find('previous')).rejects.toThrow(UsageError);
  });

  it('is compared with a file of -o json, for which no environment is opened', async () => {
    const file = join(folder, 'before.json');
    writeFileSync(file, await render(checkRunReport(runOf([result([])])), 'json'));
    keep(1);

    await runIntegrityCompare(file, 'latest', context());
    const alone = runIntegrityCompare(file, file, {
      ...context(),
      openEnvironment: async () => {
        throw new Error('opened');
      },
    });

    expect(reports[0]).toMatchObject({ exitCode: 1, data: { before: { run: file } } });
    await expect(alone).resolves.toBeUndefined();
  });

  it.each([
    ['not there', undefined, 'there is no file'],
    ['no JSON', 'x', 'no result of integrity check'],
    [
      'another report',
      '{"schema":"examctl/integrity.list/v1","outcomes":[]}',
      'no result of integrity check',
    ],
    ['null', 'null', 'no result of integrity check'],
  ])('refuses a file that is %s', async (_, text, message) => {
    const file = join(folder, 'file.json');
    if (text !== undefined) writeFileSync(file, text);

    await expect(findRun(file, environment, history)).rejects.toThrow(message);
    await expect(findRun(file, environment, history)).rejects.toThrow(UsageError);
  });

  it('lists the latest first, and leaves out what is damaged', async () => {
    keep(
      1,
      runOf([result([]), result([sample(1)], { id: 'count-answers', severity: 'info', outcome: 'pass' })]),
    );
    keep(
      2,
      runOf([result([sample(1), sample(2)], { accepted: 1 })], { scope: 'sessions started since 9:00' }),
    );
    keep(3);
    writeFileSync(join(folder, 'integrity', 'staging', `${history.ids('staging')[0]}.json`), '{');

    await runIntegrityHistory({ limit: 20 }, context());
    await runIntegrityHistory({ limit: 1 }, context());

    expect(reports[0]?.data).toMatchObject({
      environment: 'staging',
      runs: [
        {
          outcome: 'fail',
          outcomes: { fail: 1 },
          findings: 2,
          accepted: 1,
          scope: 'sessions started since 9:00',
        },
        { outcome: 'pass', outcomes: { pass: 2 }, findings: 0, scope: null },
      ],
    });
    expect(notes[0]).toMatch(/ is damaged, or of another version: left out$/);
    expect(reports[1]?.rows).toEqual([]);
  });
});

const render = (report: Report, format: OutputFormat) =>
  renderReport(report, { format, colour: false, width: 200, terminal: true });

describe('what is found', () => {
  const speaking = runOf(
    [
      result([sample(1), sample(2)], {
        message: '2 findings',
        hint: 'restore them',
        firstAt: '2026-05-04T09:00:00.000Z',
        lastAt: '2026-05-04T10:00:00.000Z',
        causes: [
          { cause: 'even', count: 15 },
          { cause: 'odd', count: 6 },
        ],
        findings: 21,
      }),
      result([], { id: 'late-submits' }),
    ],
    { notes: ['overdue-sessions: 1 of 2 accepted findings are gone'] },
  );

  it.each(['table', 'markdown'] as const)(
    'is shown as %s with its time, its causes and what to know',
    async (format) => {
      const text = await render(checkRunReport(speaking), format);

      expect(text).toContain(
        '2 findings; first at 2026-05-04T09:00:00.000Z, last at 2026-05-04T10:00:00.000Z',
      );
      expect(text).toMatch(/15\W+even/);
      expect(text).toMatch(/6\W+odd/);
      expect(text).toContain('and 19 more');
      expect(text).toContain('Note: overdue-sessions: 1 of 2 accepted findings are gone');
    },
  );

  it.each(['junit', 'github'] as const)('is one text in %s', async (format) => {
    expect(await render(checkRunReport(speaking), format)).toContain(
      '2 findings; first at 2026-05-04T09:00:00.000Z, last at 2026-05-04T10:00:00.000Z; by cause: even (15), odd (6)',
    );
  });

  it('has its only cause in a sentence, and one time once', async () => {
    const at = '2026-05-04T09:00:00.000Z';
    const one = result([sample(1)], { firstAt: at, lastAt: at, causes: [{ cause: 'even', count: 1 }] });
    const text = await render(checkRunReport(runOf([one])), 'table');

    expect(text).toContain(`1 findings; at ${at}\n`);
    expect(text).toContain('Cause of all: even\n');
    expect(await render(checkRunReport(runOf([one])), 'github')).toContain('; cause of all: even\n');
  });

  it('is cut to ten causes, and the rest is counted', async () => {
    const causes = Array.from({ length: 12 }, (_, index) => ({ cause: `cause ${index}`, count: 1 }));
    const report = checkRunReport(runOf([result([sample(1)], { causes })]));

    expect(await render(report, 'table')).toContain('and 2 more causes');
    expect(await render(report, 'junit')).toContain('cause 9 (1), 2 more causes');
    expect(await render(report, 'junit')).not.toContain('cause 10');
  });

  it('is shown without what is accepted, which ndjson marks', async () => {
    const partly = result([sample(1), sample(2)], { accepted: 1, findings: 30 });
    const report = checkRunReport(runOf([partly]));
    const allNew = checkRunReport(runOf([result([sample(1), sample(2)], { accepted: 0 })]));

    expect(await render(report, 'table')).toContain('and 27 more');
    expect(await render(checkRunReport(runOf([{ ...partly, findings: 2 }])), 'table')).not.toContain('s2');
    expect(await render(allNew, 'table')).toContain('s2');
    const lines = await render(checkRunReport(runOf([{ ...partly, findings: 2 }])), 'ndjson');
    expect(lines.split('\n').filter((line) => line.includes('"accepted":true'))).toEqual([
      expect.stringContaining('"s2"'),
    ]);
  });

  it('does not take counts for findings in ndjson', async () => {
    const counting = result([sample(1)], { severity: 'info', outcome: 'pass' });

    expect(await render(checkRunReport(runOf([counting])), 'ndjson')).not.toContain('"finding"');
  });

  it('is a stream of lines in ndjson: each outcome, its findings, the run at the end', async () => {
    const lines = (await render(checkRunReport(speaking), 'ndjson'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(lines.map(({ type }) => type)).toEqual(['outcome', 'finding', 'finding', 'outcome', 'run']);
    expect(new Set(lines.map(({ schema }) => schema))).toEqual(new Set(['examctl/integrity.check.line/v1']));
    expect(lines[0]).toMatchObject({ id: 'lost-answers', outcome: 'fail', findings: 21 });
    expect(lines[0]).not.toHaveProperty('samples');
    expect(lines[1]).toEqual({
      schema: 'examctl/integrity.check.line/v1',
      type: 'finding',
      check: 'lost-answers',
      finding: sample(1),
    });
    expect(lines.at(-1)).toMatchObject({
      environment: 'staging',
      outcomes: { fail: 1, pass: 1 },
      exitCode: 1,
      notes: speaking.notes,
    });
  });
});
