import { describe, expect, test } from 'vitest';
import { type LoadPlan, planLoad } from '../../src/load/load-plan.ts';
import { profileNames } from '../../src/load/scenario.ts';
import { scenarios } from '../../src/load/scenarios/index.ts';
import { selectScenario } from '../../src/load/select-scenario.ts';

const thresholds = { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 };

function planOf(id: string, students = 40): LoadPlan {
  const scenario = selectScenario(id);
  const profile = { ...scenario.profiles.smoke, students };
  const identities = Array.from({ length: students }, (_, index) => ({
    userId: `user-${index}`,
    email: `${index}@students.example`,
    token: `token-${index}`,
  }));
  return planLoad({
    scenario,
    profileName: 'smoke',
    profile,
    identities,
    baseUrl: 'http://127.0.0.1:1/v1',
    refreshPath: '/refresh',
    thresholds,
  });
}

describe('the plan of a load run', () => {
  test('is the same each time, so that both engines do the same', () => {
    expect(planOf('answers')).toEqual(planOf('answers'));
  });

  test.each(scenarios.map(({ id }) => id))('gives each student of %s one identity of their own', (id) => {
    const users = planOf(id).students.map(({ token }) => token);
    expect(new Set(users).size).toBe(40);
  });

  test.each(scenarios.map(({ id }) => id))('asks in %s only for blocks that the year has', (id) => {
    for (const { session } of planOf(id).students) {
      expect(session.blocks).toEqual(session.year === 1 ? ['A', 'B', 'C'] : ['D', 'E', 'F']);
    }
    expect(new Set(planOf(id).students.map(({ session }) => session.year))).toEqual(new Set([1, 2]));
  });

  test.each(scenarios.map(({ id }) => id))('has in %s timed sessions that outlive the run', (id) => {
    const { leadInSeconds, seconds, graceSeconds, students } = planOf(id);
    for (const { session } of students) {
      expect(session.duration_seconds).toBeGreaterThan(leadInSeconds + seconds + graceSeconds);
      expect(session.duration_seconds).toBeGreaterThanOrEqual(60);
    }
  });

  test('creates the sessions of a burst within the window, and ends them unmeasured', () => {
    const { students, seconds, leadInSeconds } = planOf('session-burst');
    expect(leadInSeconds).toBe(0);
    for (const { createAt, answers, submitAt } of students) {
      expect(createAt).toBeGreaterThanOrEqual(0);
      expect(createAt).toBeLessThan(seconds);
      expect(answers).toEqual([]);
      expect(submitAt).toBeNull();
    }
  });

  test('answers in order of time and changes some answers to another choice', () => {
    let changes = 0;
    for (const { answers, session } of planOf('answers').students) {
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.map(({ at }) => at)).toEqual(answers.map(({ at }) => at).sort((a, b) => a - b));
      const chosen = new Map<number, number>();
      for (const { question, selectedIndex } of answers) {
        expect(question).toBeLessThan(session.count);
        expect([0, 1, 2, 3, 4]).toContain(selectedIndex);
        if (chosen.has(question)) {
          changes += 1;
          expect(chosen.get(question)).not.toBe(selectedIndex);
        }
        chosen.set(question, selectedIndex);
      }
    }
    expect(changes).toBeGreaterThan(10);
  });

  test('prepares a submit spike before the window, and lets some students submit twice', () => {
    const { students, seconds } = planOf('submit-spike');
    for (const { createAt, answers, submitAt } of students) {
      expect(createAt).toBeLessThan(0);
      expect(answers.every(({ at }) => at < 0)).toBe(true);
      expect(submitAt).toBeGreaterThanOrEqual(0);
      expect(submitAt).toBeLessThan(seconds);
    }
    const twice = students.filter(({ submitTwice }) => submitTwice).length;
    expect(twice).toBeGreaterThan(0);
    expect(twice).toBeLessThan(students.length);
    const late = students.filter(({ submitAt }) => (submitAt ?? 0) > seconds / 2).length;
    expect(late).toBeGreaterThan(students.length / 2);
  });

  test('of a whole exam has students arrive first, answer within their time, and submit early or in the spike', () => {
    const { students, seconds } = planOf('exam-day', 200);
    for (const { createAt, answers, submitAt } of students) {
      expect(createAt).toBeGreaterThanOrEqual(0);
      expect(createAt).toBeLessThan(0.15 * seconds);
      expect(submitAt).toBeLessThan(seconds);
      for (const { at } of answers) {
        expect(at).toBeGreaterThanOrEqual(createAt);
        expect(at).toBeLessThan(submitAt ?? 0);
      }
    }
    const early = students.filter(({ submitAt }) => (submitAt ?? 0) < 0.85 * seconds).length;
    expect(early / students.length).toBeGreaterThan(0.15);
    expect(early / students.length).toBeLessThan(0.45);
    expect(students.some(({ submitTwice }) => submitTwice)).toBe(true);
  });

  test('of a whole exam has connections lost, and nothing due while their students are away', () => {
    const { students } = planOf('exam-day', 200);
    const all = students.flatMap(({ answers }) => answers);
    const lost = all.filter((answer) => answer.lost !== undefined).length;
    expect(lost / all.length).toBeGreaterThan(0.01);
    expect(lost / all.length).toBeLessThan(0.04);
    for (const { answers } of students)
      for (const [index, { at, lost: away }] of answers.entries())
        if (away !== undefined)
          expect(answers[index + 1]?.at ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at + away.awaySeconds);
  });

  test('has the sizes of the planning documents for an exam day', () => {
    const sizes = scenarios.map(({ id, profiles }) => [
      id,
      profiles['exam-day'].students,
      profiles['exam-day'].seconds,
    ]);
    expect(sizes).toEqual([
      ['session-burst', 400, 300],
      ['answers', 300, 1800],
      ['submit-spike', 400, 600],
      ['exam-day', 400, 2700],
    ]);
    expect(profileNames).toEqual(['smoke', 'exam-day']);
  });
});
