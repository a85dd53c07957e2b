import { describe, expect, it } from 'vitest';
import type { Change, Plan } from '../../src/lifecycle/plan.ts';
import { planReport } from '../../src/report/plan-report.ts';
import { planOf, switchOn } from '../support/fake-lifecycle.ts';

const textsOf = (plan: Plan) =>
  planReport(plan).blocks.flatMap((block) => ('text' in block ? [block.text] : []));
const rowsOf = (plan: Plan) =>
  planReport(plan).blocks.flatMap((block) => (block.type === 'table' ? block.rows : []));

describe('a plan on paper', () => {
  it('names the operation, where, and whom it hits', () => {
    const plan = planOf([switchOn('a')]);
    const impact = { ...plan.impact, text: 'hits all students; 3 students are in an exam' };
    expect(textsOf({ ...plan, impact }).slice(0, 2)).toEqual([
      'Plan: switch things on test',
      'Impact: hits all students; 3 students are in an exam.',
    ]);
  });

  it('has a row for each change, which says whether there is a way back', () => {
    const forGood: Change = { ...switchOn('b'), revert: null, seconds: 30 };
    expect(rowsOf(planOf([switchOn('a'), forGood]))).toEqual([
      [1, 'switch a', 'off', 'on', 'yes', 1],
      [2, 'switch b', 'off', 'on', 'no', 30],
    ]);
    expect(textsOf(planOf([]))).toContain('Nothing to change.');
  });

  it.each([
    [20, 'Held for 20 s, then reverted.'],
    [0, 'Over as soon as it is made; then it is seen to that all is as it was before.'],
  ])('of a fault of %i s says how it ends', (seconds, text) => {
    expect(textsOf(planOf([switchOn('a')], seconds))).toContain(text);
  });

  it('of what is meant to stay speaks of no end', () => {
    expect(textsOf(planOf([switchOn('a')], null)).join()).not.toMatch(/Held|Over as soon/);
  });

  it('says what could not be looked at, and with which steady state it would begin', () => {
    const steadyState = [
      { id: 'ready', title: 'it is ready', outcome: 'fail', message: 'it is not' },
    ] as const;
    const plan = { ...planOf([switchOn('a')]), notes: ['the jobs of prod'], steadyState };
    expect(textsOf(plan)).toContain('Not in the plan: the jobs of prod');
    expect(planReport(plan).outcomes).toEqual(steadyState);
    expect(planReport(plan).blocks).toContainEqual({ type: 'outcomes', outcomes: steadyState });
  });

  it('is data with all of the plan', () => {
    const plan = planOf([switchOn('a')], 5);
    expect(planReport(plan)).toMatchObject({ kind: 'plan', data: plan });
    expect(textsOf(plan).at(-1)).toBe(`Digest ${plan.digest.slice(0, 16)}`);
  });
});
