import { describe, expect, it } from 'vitest';
import type { Check, Severity } from '../../src/checks/check.ts';
import { findingsOf } from '../../src/checks/findings.ts';
import { type Frame, judge, type Seen, unknown } from '../../src/checks/judge.ts';
import type { CheckThresholds } from '../../src/checks/thresholds.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';

const checkOf = (severity: Severity): Check => ({
  id: 'lost-answers',
  title: 'each answer is stored',
  question: 'which are not?',
  severity,
  finding: 'the answer is gone',
  remedy: 'restore it',
  columns: [
    { name: 'user_id', meaning: 'the student', personal: true },
    { name: 'at', meaning: 'when', personal: false },
  ],
  looksAt: 'answers',
  cost: { class: 'index', words: 'milliseconds' },
  window: 'sessions',
  suites: [],
  file: 'lost-answers.sql',
  sql: 'SELECT user_id, at FROM a WHERE $1 IS NULL',
});
const window: Frame = {
  scope: null,
  summary: { sessions: 3, answers: 1234 },
  thresholds: {},
  expired: new Map(),
};
const nothing: Seen = {
  total: 0,
  accepted: 0,
  firstAt: null,
  lastAt: null,
  causes: [],
  findings: [],
  durationMs: 1,
};
const two: Seen = { ...nothing, total: 2, findings: [{ at: 'now' }, { at: 'then' }] };

describe('the outcome of a check', () => {
  it.each([
    ['critical', 'fail'],
    ['major', 'fail'],
    ['minor', 'warn'],
  ] as const)('of severity %s with findings is %s, with their number and the remedy', (severity, outcome) => {
    expect(judge(checkOf(severity), two, window)).toMatchObject({
      outcome,
      message: '2 findings in 1,234 answers: the answer is gone',
      hint: 'restore it',
      findings: 2,
    });
  });

  it('without findings is a pass that says how much was looked at', () => {
    const result = judge(checkOf('critical'), nothing, window);

    expect(result).toMatchObject({ outcome: 'pass', message: 'no findings in 1,234 answers', findings: 0 });
    expect(result).not.toHaveProperty('hint');
  });

  it('with findings is a fail even where the window counts nothing', () => {
    expect(
      judge(checkOf('critical'), two, {
        ...window,
        scope: 'sessions started since then',
        summary: { sessions: 0, answers: 0 },
      }).outcome,
    ).toBe('fail');
  });

  it('is skipped on an empty database, and unknown in an empty window', () => {
    const summary = { sessions: 0, answers: 0 };

    expect(judge(checkOf('critical'), nothing, { ...window, summary }).outcome).toBe('skipped');
    const inWindow = judge(checkOf('critical'), nothing, {
      ...window,
      scope: 'sessions started since 2026-05-05',
      summary,
    });
    expect(inWindow).toMatchObject({
      outcome: 'unknown',
      message: 'there are no sessions started since 2026-05-05',
    });
  });

  it('of an info check is its counts in words', () => {
    const counts = {
      ...nothing,
      total: 1,
      findings: [{ sessions: 1500, exam_sessions: 3, newest_session_at: 'x' }],
    };

    expect(judge(checkOf('info'), counts, window)).toMatchObject({
      outcome: 'pass',
      message: '1,500 sessions, 3 exam sessions',
    });
  });

  it('that could not be determined is unknown, with the reason and its SQLSTATE', () => {
    const failed = Object.assign(new Error('division by zero'), { code: '22012' });

    expect(unknown(checkOf('critical'), failed, 5)).toMatchObject({
      outcome: 'unknown',
      findings: null,
      message: 'division by zero (22012)',
      hint: expect.stringContaining('lost-answers.sql'),
    });
    expect(unknown(checkOf('critical'), new Undetermined('gone', { hint: 'start it' }), 5)).toMatchObject({
      message: 'gone',
      hint: 'start it',
    });
  });
});

describe('findings', () => {
  it('show times as ISO 8601, objects as JSON and students by pseudonym', () => {
    const at = '2026-05-04T09:00:00+00:00';
    const rows = [
      { user_id: 'u1', at },
      { user_id: null, at: { a: 1 } },
    ];

    expect(findingsOf(checkOf('major'), rows, (id) => `student-of-${id}`)).toEqual([
      { user_id: 'student-of-u1', at: '2026-05-04T09:00:00.000Z' },
      { user_id: null, at: '{"a":1}' },
    ]);
    expect(findingsOf(checkOf('major'), rows, 'identified')[0]?.user_id).toBe('u1');
  });

  it('have the columns that are explained, and no other', () => {
    expect(findingsOf(checkOf('major'), [{ email: 'a@b', at: 1 }], 'identified')).toEqual([
      { user_id: null, at: 1 },
    ]);
  });

  it('of a configured limit are a warning or a failure from there on, and below it a pass', () => {
    const judged = (total: number, thresholds: CheckThresholds) =>
      judge(
        checkOf('critical'),
        { ...two, total },
        { ...window, thresholds: { 'lost-answers': thresholds } },
      );
    const limits = { warn: { count: 2 }, fail: { share: 0.01 } };

    expect([1, 2, 12, 13].map((total) => judged(total, limits).outcome)).toEqual([
      'pass',
      'warn',
      'warn',
      'fail',
    ]);
    expect(judged(1, limits).message).toContain('below the limit of 2');
    expect(judged(13, limits).message).toContain('the limit is 1 %');
  });

  it('whose share cannot be told are unknown', () => {
    const result = judge(checkOf('critical'), two, {
      ...window,
      summary: null,
      thresholds: { 'lost-answers': { fail: { share: 0.5 } } },
    });
    expect(result.outcome).toBe('unknown');
  });

  it('that are accepted do not count, those that are not do', () => {
    expect(judge(checkOf('critical'), { ...two, accepted: 2 }, window)).toMatchObject({
      outcome: 'pass',
      message: 'no new findings in 1,234 answers; 2 are accepted',
    });
    const expired = new Map([['lost-answers', 1]]);
    expect(judge(checkOf('critical'), { ...two, accepted: 1 }, { ...window, expired })).toMatchObject({
      outcome: 'fail',
      message: expect.stringMatching(/^1 finding in .*, 1 more are accepted; 1 acceptance has run out$/),
    });
  });
});
