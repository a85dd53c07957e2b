import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/lifecycle/errors.ts';
import { requireNobodyIsHurt } from '../../../src/lifecycle/fault-guard.ts';
import type { Impact } from '../../../src/lifecycle/plan.ts';
import { planOf, switchOn } from '../../support/fake-lifecycle.ts';

const staging = { name: 'staging', protected: false };
const prod = { name: 'prod', protected: true };
const nobody: Impact = {
  sessionsInProgress: 0,
  lastEndsAt: null,
  disruptive: true,
  text: '',
};

const fault = (impact: Partial<Impact> = {}, holdSeconds: number | null = 5) => ({
  ...planOf([switchOn('a')], holdSeconds),
  impact: { ...nobody, ...impact },
});

describe('a fault', () => {
  it('may be made where nobody is in an exam', () => {
    requireNobodyIsHurt(fault(), staging, false);
  });

  it('may be made while only students of the rehearsal are', () => {
    requireNobodyIsHurt(fault({ sessionsInProgress: 20, othersInProgress: 0 }), staging, false);
  });

  it.each<[string, Partial<Impact>, string]>([
    [
      'one other student is',
      { sessionsInProgress: 21, othersInProgress: 1, lastEndsAt: '2026-11-22T14:30:00.000Z' },
      "1 student who is not the rehearsal's own is in an exam until 2026-11-22T14:30:00.000Z",
    ],
    [
      'several others are, with no end set',
      { sessionsInProgress: 3, othersInProgress: 3 },
      "3 students who are not the rehearsal's own are in an exam with no end set",
    ],
    ['students are, and nobody can tell whose', { sessionsInProgress: 2 }, '2 students'],
    ['the others cannot be counted', { othersInProgress: null }, 'is not known'],
    ['nobody can be counted', { sessionsInProgress: null }, 'is not known'],
  ])('is refused while %s, and says so', (_, impact, text) => {
    const plan = fault(impact);
    expect(() => requireNobodyIsHurt(plan, staging, false)).toThrow(Refused);
    expect(() => requireNobodyIsHurt(plan, staging, false)).toThrow(text);
    requireNobodyIsHurt(plan, staging, true);
  });

  it.each([0, 5])(
    'of %i s is refused on a protected environment, whoever is there, unless break-glass',
    (seconds) => {
      expect(() => requireNobodyIsHurt(fault({}, seconds), prod, false)).toThrow(
        'prod is a protected environment',
      );
      requireNobodyIsHurt(fault({}, seconds), prod, true);
    },
  );

  it('is nothing that is meant to stay: that is for others to allow', () => {
    requireNobodyIsHurt(fault({ sessionsInProgress: 9, othersInProgress: 9 }, null), prod, false);
  });
});
