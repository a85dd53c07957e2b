import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../src/lifecycle/environment.ts';
import { type JournalEntry, type JournalLine, plansAtWork } from '../../../src/lifecycle/journal.ts';
import { planOf, switchOn } from '../../support/fake-lifecycle.ts';

const whole: Snapshot = { a: 'off' };
const line = (entry: JournalEntry): JournalLine => ({ at: '2026-11-22T10:00:00.000Z', ...entry });
const planned = (before: Snapshot | undefined = whole) =>
  line({ type: 'plan.made', plan: { ...planOf([]), ...(before !== undefined && { before }) } });
const plannedUnseen = line({ type: 'plan.made', plan: planOf([]) });
const started = (change: number) => {
  const { target, apply, revert, undoneBy } = switchOn(`${change}`);
  return line({ type: 'change.started', change, target, apply, revert, undoneBy, deadline: null });
};
const reverted = (change: number) =>
  line({
    type: 'revert.verified',
    change,
    by: 'run',
    outcome: { id: 'switch', title: '', outcome: 'pass', message: '' },
  });
const kept = (change: number) => line({ type: 'change.kept', change });
const proven = (plan: number) => line({ type: 'state.proven', plan, by: 'run' });
const differs = (plan: number) => line({ type: 'state.differs', plan, by: 'run', differences: ['a'] });

const atWork = (...lines: JournalLine[]) =>
  plansAtWork(lines).map(({ number, changes, open, unproven }) => ({
    number,
    changes,
    open: open.map(({ change }) => change),
    unproven,
  }));

describe('the plans that something is left to do for', () => {
  it('are none before the first change, and after the last proof', () => {
    expect(atWork()).toEqual([]);
    expect(atWork(planned())).toEqual([]);
    expect(atWork(planned(), started(1), reverted(1), proven(1))).toEqual([]);
  });

  it('are the latest first, and so are their changes', () => {
    expect(atWork(planned(), started(1), started(2), planned(), started(3))).toEqual([
      { number: 2, changes: [3], open: [3], unproven: true },
      { number: 1, changes: [1, 2], open: [2, 1], unproven: true },
    ]);
  });

  it('keep their numbers when others are done', () => {
    const lines = [planned(), started(1), reverted(1), proven(1), planned(), started(2)];
    expect(atWork(...lines)).toEqual([{ number: 2, changes: [2], open: [2], unproven: true }]);
  });

  it('are there until it is proven, when the process died between a revert and the proof', () => {
    expect(atWork(planned(), started(1), reverted(1))).toEqual([
      { number: 1, changes: [1], open: [], unproven: true },
    ]);
  });

  it('are still there when the state differed', () => {
    expect(atWork(planned(), started(1), reverted(1), differs(1))).toMatchObject([
      { number: 1, unproven: true },
    ]);
    expect(atWork(planned(), started(1), reverted(1), differs(1), proven(1))).toEqual([]);
  });

  it('are not proven by the proof of another plan', () => {
    const lines = [planned(), started(1), planned(), started(2), reverted(2), proven(2), reverted(1)];
    expect(atWork(...lines)).toEqual([{ number: 1, changes: [1], open: [], unproven: true }]);
  });

  it('need no proof where the state before was not looked at', () => {
    expect(atWork(plannedUnseen, started(1))).toEqual([
      { number: 1, changes: [1], open: [1], unproven: false },
    ]);
    expect(atWork(plannedUnseen, started(1), reverted(1))).toEqual([]);
  });

  it('do not ask for the state before what was kept', () => {
    expect(atWork(planned(), started(1), kept(1))).toEqual([]);
  });

  it('have changes that no plan announced, as plan 0', () => {
    expect(atWork(started(1), planned(), started(2))).toEqual([
      { number: 1, changes: [2], open: [2], unproven: true },
      { number: 0, changes: [1], open: [1], unproven: false },
    ]);
  });
});
