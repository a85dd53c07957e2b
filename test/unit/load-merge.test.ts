import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { nextStep } from '../../src/load/find-limit.ts';
import type { LoadPlan } from '../../src/load/load-plan.ts';
import { mergeTallies } from '../../src/load/merge-tallies.ts';
import { splitPlan } from '../../src/load/split-plan.ts';
import { Tally } from '../../src/load/tally.ts';
import { type MachineTally, readTally, tallySchema, writeTally } from '../../src/load/tally-file.ts';

async function machine(
  latencies: readonly number[],
  more: Partial<MachineTally> = {},
): Promise<MachineTally> {
  const tally = await Tally.create();
  for (const ms of latencies)
    tally.add({ at: 0, ms, lag: 1, endpoint: 'answer', phase: 'measured', status: 200 });
  return {
    schema: tallySchema,
    scenario: 'answers',
    baseUrl: 'http://127.0.0.1:1/v1',
    asked: { thresholds: { p95Ms: 500, errorRate: 0.01 }, students: 10, submitsTwice: false },
    aborted: false,
    generator: { busyCores: 0.2, usableCores: 2 },
    ledger: {
      writes: latencies.length,
      studentsFinished: 10,
      reasons: {},
      submittedTwice: 0,
      scoresDiffer: [],
    },
    tally: tally.encoded(),
    ...more,
  };
}

const outcomesOf = ({ outcomes }: Awaited<ReturnType<typeof mergeTallies>>) =>
  Object.fromEntries(outcomes.map(({ id, outcome }) => [id, outcome]));

describe('loads of two machines', () => {
  it('have the percentiles of all requests, which no average of theirs is', async () => {
    const fast = await machine(Array.from({ length: 90 }, () => 10));
    const slow = await machine(Array.from({ length: 10 }, () => 1_000));
    const merged = await mergeTallies([fast, slow]);
    expect(merged).toMatchObject({ machines: 2, virtualStudents: 20, studentsFinished: 20, requests: 100 });
    expect(merged.latency?.p50).toBeCloseTo(10, 0);
    // the mean of their p95 would be 505
    expect(merged.latency?.p95).toBeCloseTo(1_000, -1);
    expect(merged.perEndpoint.answer).toMatchObject({ requests: 100, failed: 0 });
    expect(outcomesOf(merged)['load-p95-latency']).toBe('fail');
  });

  it('pass together what both pass, and the machine that was too busy is seen', async () => {
    const one = await machine([10, 20]);
    expect(new Set(Object.values(outcomesOf(await mergeTallies([one, one]))))).toEqual(new Set(['pass']));
    const busy = await machine([10, 20], { generator: { busyCores: 1.95, usableCores: 2 } });
    expect(outcomesOf(await mergeTallies([one, busy]))).toMatchObject({
      'load-generator': 'unknown',
      'load-p95-latency': 'unknown',
    });
    const stopped = await machine([10, 20], { aborted: true });
    expect(outcomesOf(await mergeTallies([one, stopped]))['load-error-rate']).toBe('unknown');
  });

  it('are refused when they are not the same load', async () => {
    const one = await machine([10]);
    await expect(mergeTallies([one, { ...one, scenario: 'submit-spike' }])).rejects.toThrow(
      'not the same load',
    );
    await expect(mergeTallies([])).rejects.toThrow(UsageError);
  });

  it('come from files, and what is none is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'examctl-merge-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'answers-tally.json');
    const { schema: _, ...content } = await machine([10]);
    await writeTally(file, content);
    expect(await readTally(file)).toEqual({ schema: tallySchema, ...content });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"writes":1', '"writes":-1'));
    await expect(readTally(file)).rejects.toThrow('no tally of a load run');
    await expect(readTally(join(folder, 'none'))).rejects.toThrow('cannot be read');
  });
});

describe('a plan for several workers', () => {
  const students = Array.from({ length: 7 }, (_, index) => ({ number: index + 1 }));
  const plan = { leadInSeconds: 2, students } as unknown as LoadPlan;

  it('gives each student to one of them, and all the same window', () => {
    const parts = splitPlan(plan, 3, 1_000);
    expect(parts.map((part) => part.students.map(({ number }) => number))).toEqual([
      [1, 4, 7],
      [2, 5],
      [3, 6],
    ]);
    expect(new Set(parts.map(({ windowStart }) => windowStart))).toEqual(new Set([6_000]));
  });

  it('has no worker without a student', () => {
    expect(splitPlan(plan, 20, 0)).toHaveLength(7);
  });
});

describe('the search of the limit', () => {
  it.each<[string, number, number | null, number | null]>([
    ['doubles while all is carried', 40, null, 80],
    ['ends when there are no more students', 400, null, null],
    ['goes to all of them before that', 300, null, 400],
    ['halves the distance once a step was not carried', 80, 160, 120],
    ['ends when it is known to a tenth', 150, 160, null],
    ['goes down when the first step is not carried', 0, 20, 10],
    ['ends when not even one student is carried', 0, 1, null],
  ])('%s', (_, carried, crossedAt, next) => {
    expect(nextStep(carried, crossedAt, 400)).toBe(next);
  });
});
