import { expect, it } from 'vitest';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';

it('gives a student the same pseudonym every time, and another one in another environment', () => {
  const staging = pseudonymiser('staging salt');

  expect(staging('4f0c')).toMatch(/^student-[0-9a-f]{8}$/);
  expect(staging('4f0c')).toBe(pseudonymiser('staging salt')('4f0c'));
  expect(staging('4f0c')).not.toBe(staging('4f0d'));
  expect(staging('4f0c')).not.toBe(pseudonymiser('prod salt')('4f0c'));
});

it('gives no pseudonyms without a salt', () => {
  expect(() => pseudonymiser('')).toThrow('salt');
});
