import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/lifecycle/errors.ts';
import { canonicalJson } from '../../../src/lifecycle/json.ts';
import type { Outcome, OutcomeRecord } from '../../../src/lifecycle/outcome.ts';
import { makePlan, type PlanContent } from '../../../src/lifecycle/plan.ts';
import { requireSteadyState } from '../../../src/lifecycle/steady-state.ts';
import { planOf, switchOn } from '../../support/fake-lifecycle.ts';

const content: PlanContent = planOf([switchOn('a'), switchOn('b')], 30);
const digestWith = (more: Partial<PlanContent>) => makePlan({ ...content, ...more }).digest;
const base = makePlan(content).digest;
const seen = (outcome: Outcome): OutcomeRecord => ({
  id: 'health',
  title: 'it answers',
  outcome,
  message: outcome,
});

describe('the digest of a plan', () => {
  it('is the same for the same plan, in whatever order its keys were written', () => {
    const shuffled = Object.fromEntries(Object.entries(content).reverse()) as unknown as PlanContent;
    expect(makePlan(shuffled).digest).toBe(base);
    expect(base).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['operation', { operation: 'switch other things' }],
    ['environment', { environment: 'prod' }],
    ['parameters', { parameters: { seconds: 31 } }],
    ['hold', { holdSeconds: 31 }],
    ['hold that never ends', { holdSeconds: null }],
    ['changes', { changes: [switchOn('a')] }],
    ['order of the changes', { changes: [switchOn('b'), switchOn('a')] }],
    ['way back', { changes: [{ ...switchOn('a'), revert: null }, switchOn('b')] }],
  ] satisfies [string, Partial<PlanContent>][])('is another for another %s', (_, more) => {
    expect(digestWith(more)).not.toBe(base);
  });

  it('does not depend on what was seen, which changes from look to look', () => {
    const impact = { sessionsInProgress: 214, lastEndsAt: null, disruptive: true, text: 'many' };
    expect(digestWith({ impact, steadyState: [seen('fail')] })).toBe(base);
  });
});

describe('canonical JSON', () => {
  it('sorts keys at every depth, leaves the order of lists and drops undefined', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }, 3], a: undefined, A: null })).toBe(
      '{"A":null,"b":[{"c":2,"d":1},3]}',
    );
  });
});

describe('a fault', () => {
  const inject = (...outcomes: Outcome[]) =>
    requireSteadyState(makePlan({ ...content, steadyState: outcomes.map(seen) }));

  it('may be injected into a steady system, also into one with a warning', () => {
    expect(() => inject('pass', 'warn', 'skipped')).not.toThrow();
  });

  it.each(['fail', 'unknown'] as const)('is refused where something is %s, which is named', (outcome) => {
    expect(() => inject('pass', outcome)).toThrow(Refused);
    expect(() => inject('pass', outcome)).toThrow(`it answers: ${outcome}`);
  });
});
