import { expect, it } from 'vitest';
import { hasShape } from '../../src/adapters/has-shape.ts';

const sample = [{ Id: '', State: { Pid: 0 }, Names: [''], Labels: {} }];
const container = { Id: 'a', State: { Pid: 1, Error: null }, Names: [], Labels: { a: 'b' }, More: true };

it.each([
  [[], true],
  [[container], true],
  [[container, { ...container, Names: ['/a'] }], true],
  [[{ ...container, Id: 1 }], false],
  [[{ ...container, Id: null }], false],
  [[{ ...container, State: null }], false],
  [[{ ...container, State: { Pid: '1' } }], false],
  [[{ ...container, Names: 'a' }], false],
  [[{ ...container, Names: [1] }], false],
  [[container, undefined], false],
  [container, false],
  [null, false],
  ['text', false],
])('a foreign value has at least what a sample has: %j: %s', (value, has) => {
  expect(hasShape(value, sample)).toBe(has);
});
