import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shapeReport } from '../../src/commands/load-shape.ts';
import { ConfigError, UsageError } from '../../src/lifecycle/errors.ts';
import { planLoad } from '../../src/load/load-plan.ts';
import { selectScenario } from '../../src/load/select-scenario.ts';
import { compressed, type ExamShape, lengthOf, shapeSchema } from '../../src/load/shape/exam-shape.ts';
import { readShape } from '../../src/load/shape/read-shape.ts';
import { shapeFromCsv } from '../../src/load/shape/shape-from-csv.ts';

const schedule = `start,duration_minutes,extra_minutes,students
2026-05-04T09:15+02:00,90,,2
2026-05-04T09:00+02:00,90,22,1
`;

describe('a schedule', () => {
  it('gives each student a start, and the time with what is extra', async () => {
    const shape = await shapeFromCsv(schedule, 'schedule.csv');
    expect(shape).toMatchObject({ schema: shapeSchema, source: 'schedule.csv' });
    expect(shape.students).toEqual([
      { start: 0, seconds: 112 * 60, submit: null, answers: null },
      { start: 900, seconds: 5400, submit: null, answers: null },
      { start: 900, seconds: 5400, submit: null, answers: null },
    ]);
    expect(lengthOf(shape)).toBe(6720);
  });

  it.each([
    ['start,students\n', 'schedule.csv:1 must have the columns start,duration_minutes'],
    ['', 'it is empty'],
    ['start,duration_minutes\n2026-05-04T09:00,90\n', 'schedule.csv:2 start is no time with its zone'],
    ['start,duration_minutes\n2026-13-04T09:00Z,90\n', 'schedule.csv:2 start'],
    [
      'start,duration_minutes\n2026-05-04T09:00Z,ninety\n',
      'schedule.csv:2 duration_minutes is no whole number',
    ],
    [
      'start,duration_minutes,students\n2026-05-04T09:00Z,90,0\n',
      'schedule.csv:2 students is no whole number',
    ],
    ['start,duration_minutes\n', 'has no student'],
  ])('that says %j is refused with its place', async (text, message) => {
    const attempt = shapeFromCsv(text, 'schedule.csv');
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(message);
  });
});

const shape: ExamShape = {
  schema: shapeSchema,
  source: 'a test',
  students: [
    { start: 0, seconds: 600, submit: 300, answers: 10 },
    { start: 60, seconds: 600, submit: null, answers: null },
  ],
};

function planned(wanted: ExamShape) {
  const scenario = selectScenario('exam-day');
  const identities = [1, 2].map((number) => ({
    userId: `${number}`,
    email: `${number}@x`,
    token: `t${number}`,
  }));
  return planLoad({
    scenario,
    profileName: 'smoke',
    profile: { ...scenario.profiles.smoke, students: 2, seconds: lengthOf(wanted) },
    identities,
    baseUrl: 'http://127.0.0.1:1',
    refreshPath: '/refresh',
    thresholds: { p95Ms: 500, errorRate: 0.01, dbPool: 0.8 },
    shape: wanted,
  });
}

describe('a load of that shape', () => {
  it('has students come and go as they did, and answer as often', () => {
    const [first, second] = planned(shape).students;
    expect(first).toMatchObject({ createAt: 0, submitAt: 300 });
    expect(first?.answers.length).toBeGreaterThan(5);
    expect(first?.answers.length).toBeLessThan(20);
    expect(second?.createAt).toBe(60);
    expect(second?.submitAt).toBeGreaterThan(60);
    expect(second?.submitAt).toBeLessThan(660);
  });

  it('can be compressed', () => {
    const fast = compressed(shape, 10);
    expect(lengthOf(fast)).toBe(66);
    expect(planned(fast).students[0]).toMatchObject({ createAt: 0, submitAt: 30 });
  });
});

describe('a file of a shape', () => {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-shape-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (content: unknown) => {
    const file = join(folder, 'shape.json');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it('is what the command wrote', async () => {
    const { data } = shapeReport(shape);
    expect(await readShape(fileOf(data))).toEqual(shape);
  });

  it.each([
    ['{', 'cannot be read'],
    [{ ...shape, schema: 'other' }, 'schema'],
    [{ ...shape, students: [] }, 'students'],
    [{ ...shape, students: [{ ...shape.students[0], seconds: -1 }] }, 'students.0.seconds'],
  ])('that is %j is refused', async (content, message) => {
    await expect(readShape(fileOf(content))).rejects.toThrow(UsageError);
    await expect(readShape(fileOf(content))).rejects.toThrow(message);
  });
});
