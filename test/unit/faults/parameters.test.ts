import { describe, expect, it } from 'vitest';
import { describeParameter, type Parameter, valuesOf } from '../../../src/faults/parameters.ts';
import { UsageError } from '../../../src/lifecycle/errors.ts';

const delay: Parameter = { name: 'delay', kind: 'number', unit: 'ms', initial: 200, min: 1, max: 1_000 };
const answer: Parameter = { name: 'answer', kind: 'choice', initial: '500', choices: ['429', '500'] };
const path: Parameter = { name: 'path', kind: 'text', initial: '', meaning: 'of a tmpfs; none: the first' };
const parameters = [delay, answer, path];

function refusal(...given: string[]): UsageError {
  try {
    valuesOf(parameters, given);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${given} was taken`);
}

describe('the values of a fault', () => {
  it('are the initial ones where nothing is given', () => {
    expect(valuesOf(parameters, [])).toEqual({ delay: 200, answer: '500', path: '' });
  });

  it.each([
    ['delay=1', { delay: 1 }],
    ['delay=1000', { delay: 1_000 }],
    ['delay=0.5e2', { delay: 50 }],
    ['answer=429', { answer: '429' }],
    ['path=/tmp/a=b', { path: '/tmp/a=b' }],
    ['path=', { path: '' }],
  ])('obey --set %s, and the others stay', (given, values) => {
    expect(valuesOf(parameters, [given])).toEqual({ delay: 200, answer: '500', path: '', ...values });
  });

  it('are those given last, where one is given twice', () => {
    expect(valuesOf(parameters, ['delay=3', 'delay=4'])).toMatchObject({ delay: 4 });
  });

  it.each([
    ['delay=soon', 'it is not a number'],
    ['delay=', 'it is not a number'],
    ['delay=NaN', 'it is not a number'],
    ['delay=Infinity', 'it is not a number'],
    ['delay=200ms', 'it is not a number'],
    ['delay=0', 'it must be 1 to 1000'],
    ['delay=1000.1', 'it must be 1 to 1000'],
    ['answer=404', 'it is none of the choices'],
    ['path=/tmp\n', 'it must be one line'],
    ['delay', 'has no value'],
  ])('refuse %j, and show what can be set', (given, why) => {
    const { message, hint } = refusal(given);
    expect(message).toContain(why);
    expect(message).toContain(given.split('=')[0]);
    expect(hint).toMatch(/^--set (delay=200 \(1 to 1000 ms\)|answer=500 \(429, 500\)|path= \(of a tmpfs)/);
  });

  it('refuse half a core', () => {
    const cores: Parameter = {
      name: 'cores',
      kind: 'number',
      unit: '',
      initial: 2,
      min: 1,
      max: 4,
      isWhole: true,
    };
    expect(() => valuesOf([cores], ['cores=1.5'])).toThrow('it must be a whole number');
    expect(valuesOf([cores], ['cores=3'])).toEqual({ cores: 3 });
  });

  it('refuse a name that is not there, with the nearest one', () => {
    expect(refusal('dely=3').hint).toContain('did you mean "delay"?');
    expect(refusal('=3').message).toContain('no parameter ""');
    expect(() => valuesOf([], ['delay=3'])).toThrow('it has none');
  });

  it.each([
    [delay, 'delay=200 (1 to 1000 ms)'],
    [answer, 'answer=500 (429, 500)'],
    [path, 'path= (of a tmpfs; none: the first)'],
  ])('are told with what is allowed: $name', (parameter, text) => {
    expect(describeParameter(parameter)).toBe(text);
  });
});
