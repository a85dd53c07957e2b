import { describe, expect, it } from 'vitest';
import { differencesOf } from '../../../src/lifecycle/snapshot.ts';

describe('two snapshots', () => {
  it('that are equal have no differences, in whatever order their names are', () => {
    expect(differencesOf({ a: '1', b: '' }, { b: '', a: '1' })).toEqual([]);
  });

  it.each([
    [{ a: 'on' }, { a: 'off' }, ['a was on, is off']],
    [{ a: 'on' }, {}, ['a was on, is not there']],
    [{}, { a: '' }, ['a was not there, is empty']],
    [{ a: '' }, { a: 'on' }, ['a was empty, is on']],
    [{ c: '1', a: '1', b: '1' }, { c: '2', a: '2', b: '1' }, ['a was 1, is 2', 'c was 1, is 2']],
  ])('%j and %j differ in words', (before, now, words) => {
    expect(differencesOf(before, now)).toEqual(words);
  });

  it('are told short where they are long, and differ also behind what is told', () => {
    const [difference = ''] = differencesOf({ rules: 'x'.repeat(5_000) }, { rules: `${'x'.repeat(4_999)}y` });
    expect(difference).toMatch(/^rules was x{200}\.\.\., is x{200}\.\.\.$/);
  });
});
