import { describe, expect, it } from 'vitest';
import { exitCodeOf, type Outcome, verdictOf, worst } from '../../../src/lifecycle/outcome.ts';

const gates = (...outcomes: Outcome[]) =>
  outcomes.map((outcome, index) => ({ id: `gate-${index}`, title: '', outcome, message: '' }));

describe('outcomes', () => {
  it.each([
    [['pass', 'pass'], 0],
    [['pass', 'warn', 'skipped'], 0],
    [['pass', 'unknown'], 3],
    [['unknown', 'fail'], 1],
    [[], 3],
  ] satisfies [Outcome[], number][])('%j make the exit code %i', (outcomes, code) => {
    expect(exitCodeOf(outcomes)).toBe(code);
  });

  it('are never better than the worst', () => {
    expect(worst(['pass', 'warn', 'unknown', 'fail'])).toBe('fail');
    expect(worst(['pass', 'warn'])).toBe('warn');
    expect(worst([])).toBe('unknown');
  });
});

describe('the verdict', () => {
  it.each([
    [['pass', 'pass'], 'GO'],
    [['pass', 'warn'], 'GO'],
    [['pass', 'unknown'], 'INCONCLUSIVE'],
    [['pass', 'skipped'], 'INCONCLUSIVE'],
    [['unknown', 'fail'], 'NO-GO'],
    [[], 'INCONCLUSIVE'],
  ] satisfies [Outcome[], string][])('of gates %j is %s', (outcomes, verdict) => {
    expect(verdictOf(gates(...outcomes))).toBe(verdict);
  });
});
