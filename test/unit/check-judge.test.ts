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

  it('is unknown on a database that shows no session, and in an empty window', () => {
    const summary = { sessions: 0, answers: 0 };

    expect(judge(checkOf('critical'), nothing, { ...window, summary }).outcome).toBe('unknown');
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

  it('in an empty window has the hint of the window', () => {
    const empty = {
      ...window,
      scope: 'sessions with the id 1',
      summary: { sessions: 0, answers: 0 },
      emptyHint: 'see the ids',
    };

    expect(judge(checkOf('critical'), nothing, empty)).toMatchObject({
      outcome: 'unknown',
      hint: 'see the ids',
    });
    const time: Check = { ...checkOf('critical'), window: 'time' };
    expect(judge(time, nothing, empty).outcome).toBe('unknown');
    expect(judge({ ...time, window: 'none' }, nothing, empty).outcome).toBe('pass');
  });

  it.each(['time', 'none'] as const)(
    'of window %s tells no count in a run of some sessions, as that is of other rows',
    (own) => {
      const check: Check = { ...checkOf('critical'), window: own };
      const some = { ...window, scope: 'sessions started since then' };
      const share = { 'lost-answers': { fail: { share: 0.5 } } };

      expect(judge(check, two, some)).toMatchObject({
        outcome: 'fail',
        lookedAt: null,
        message: '2 findings: the answer is gone',
      });
      expect(judge(check, nothing, some)).toMatchObject({ outcome: 'pass', message: 'no findings' });
      expect(judge(check, two, { ...some, thresholds: share })).toMatchObject({
        outcome: 'unknown',
        message: expect.stringContaining('the limit is a share, and of how many these are is not known'),
      });
      expect(judge(check, two, window).lookedAt).toEqual({ what: 'answers', count: 1234 });
    },
  );

  it('with more findings than were counted tells no count, and knows no share', () => {
    const three = { ...two, total: 3 };
    const few = { ...window, summary: { sessions: 1, answers: 2 } };

    expect(judge(checkOf('critical'), three, few)).toMatchObject({
      outcome: 'fail',
      lookedAt: null,
      message: '3 findings: the answer is gone',
    });
    expect(
      judge(checkOf('critical'), three, { ...few, thresholds: { 'lost-answers': { fail: { share: 0.5 } } } })
        .outcome,
    ).toBe('unknown');
    expect(judge(checkOf('critical'), two, few).message).toContain('2 findings in 2 answers');
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

  it('has singulars of what there is one of', () => {
    const counts = { ...nothing, total: 1, findings: [{ sessions: 1, in_progress: 1, answers: 0 }] };
    const one = { ...window, summary: { sessions: 1, answers: 1 } };

    expect(judge(checkOf('info'), counts, window).message).toBe('1 session, 1 in progress, 0 answers');
    expect(judge(checkOf('critical'), nothing, one).message).toBe('no findings in 1 answer');
    expect(judge(checkOf('critical'), { ...two, total: 1, accepted: 1 }, one).message).toBe(
      'no new findings in 1 answer; 1 is accepted',
    );
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
      message: expect.stringMatching(/^1 finding in .*, 1 more is accepted; 1 acceptance has run out$/),
    });
  });
});
