import { expect, test } from 'vitest';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { expiryOf } from '../../src/lifecycle/token-expiry.ts';
import { requireTokensUntil } from '../../src/load/token-life.ts';

const end = new Date('2026-01-01T10:30:00Z');

function identity(exp: string) {
  const payload = Buffer.from(JSON.stringify({ exp: Date.parse(exp) / 1000 })).toString('base64url');
  return { userId: 'u', email: 'u@students.example', token: `header.${payload}.signature` };
}

test('a token that dies during the run is told before the run', () => {
  const identities = [identity('2026-01-01T11:00:00Z'), identity('2026-01-01T10:15:00Z')];
  expect(() => requireTokensUntil(end, identities)).toThrow(Undetermined);
  expect(() => requireTokensUntil(end, identities)).toThrow('1 of 2 load tokens expire before the run ends');
  expect(() => requireTokensUntil(end, identities)).not.toThrow(/students\.example/);
});

test('tokens that outlive the run are good, and of others only the platform knows', () => {
  const opaque = { userId: 'u', email: 'e', token: 'opaque' };
  expect(() => requireTokensUntil(end, [identity('2026-01-01T11:00:00Z'), opaque])).not.toThrow();
  expect(expiryOf('a.!!!.c')).toBeUndefined();
});
