import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/lifecycle/errors.ts';
import { phases } from '../../src/rehearsal/phases/index.ts';
import { phaseIds, selectPhases } from '../../src/rehearsal/select-phases.ts';

const problem = (text: string): UsageError => {
  try {
    selectPhases(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  }
  throw new Error(`${text} was accepted`);
};

describe('--phases', () => {
  it('are all of them when it is not given', () => {
    expect([...selectPhases(undefined)]).toEqual(phaseIds);
    // faults are a part of the load phase
    expect(phaseIds.filter((id) => id !== 'faults')).toEqual(phases.map(({ id }) => id));
  });

  it.each([
    ['1,2,4', ['freeze', 'load', 'integrity']],
    ['2,3', ['load', 'faults']],
    [' 5 , 6 ', ['observability', 'recovery']],
    ['canary,freeze', ['canary', 'freeze']],
    ['1,freeze,1', ['freeze']],
    ['3,2', ['faults', 'load']],
  ])('"%s" are %j', (text, wanted) => {
    expect([...selectPhases(text)]).toEqual(wanted);
  });

  it.each(['3', 'faults', '1,3,4'])('"%s" is refused: faults need load, and the hint says how', (text) => {
    const { message, hint } = problem(text);
    expect(message).toContain('faults are injected during load');
    expect(hint).toContain('--phases 2,3');
  });

  it.each(['9', '0', '', '1,', '1;2'])('"%s" has no such phase, and all are named', (text) => {
    const { hint } = problem(text);
    expect(hint).toContain('canary, 1 freeze, 2 load, 3 faults, 4 integrity, 5 observability, 6 recovery');
  });

  it('names the nearest phase of a typing mistake', () => {
    expect(problem('1,integrty').hint).toContain('did you mean "integrity"?');
  });
});
