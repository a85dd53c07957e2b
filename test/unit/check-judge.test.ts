import { describe, expect, it } from 'vitest';
import type { Check, Severity } from '../../src/checks/check.ts';
import { findingsOf, findingsStatement } from '../../src/checks/findings.ts';
import { judge, unknown } from '../../src/checks/judge.ts';
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
  cost: 'none',
  file: 'lost-answers.sql',
  sql: 'SELECT user_id, at FROM a WHERE $1 IS NULL',
});
const window = { since: null, summary: { sessions: 3, answers: 1234 } };
const nothing = { total: 0, findings: [], durationMs: 1 };
const two = { total: 2, findings: [{ at: 'now' }, { at: 'then' }], durationMs: 1 };

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
      judge(checkOf('critical'), two, { since: new Date(), summary: { sessions: 0, answers: 0 } }).outcome,
    ).toBe('fail');
  });

  it('is skipped on an empty database, and unknown in an empty window', () => {
    const summary = { sessions: 0, answers: 0, newest_session_at: '2026-05-04T09:00:00.000Z' };

    expect(judge(checkOf('critical'), nothing, { since: null, summary }).outcome).toBe('skipped');
    const inWindow = judge(checkOf('critical'), nothing, { since: new Date('2026-05-05T00:00Z'), summary });
    expect(inWindow).toMatchObject({
      outcome: 'unknown',
      message:
        'no session started since 2026-05-05T00:00:00.000Z; the newest started 2026-05-04T09:00:00.000Z',
    });
  });

  it('of an info check is its counts in words', () => {
    const counts = {
      total: 1,
      findings: [{ sessions: 1500, exam_sessions: 3, newest_session_at: 'x' }],
      durationMs: 1,
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
  it('are counted and cut off by the database, in an order that does not change', () => {
    const { text, values } = findingsStatement(checkOf('major'), { since: null, limit: 20 });

    expect(text).toMatch(/count\(\*\) OVER \(\).*ORDER BY f\."user_id", f\."at" LIMIT 20$/s);
    expect(values).toEqual([null]);
    expect(findingsStatement({ sql: 'SELECT 1', columns: [] }, { since: null, limit: 1 }).values).toEqual([]);
  });

  it('show times as ISO 8601, objects as JSON and students by pseudonym', () => {
    const at = new Date('2026-05-04T09:00:00Z');
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

  it('with a column that is not explained are not shown', () => {
    expect(() => findingsOf(checkOf('major'), [{ email: 'a@b' }], 'identified')).toThrow(Undetermined);
  });
});
