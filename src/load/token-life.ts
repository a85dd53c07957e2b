import type { Identity } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import { expiryOf } from '../lifecycle/token-expiry.ts';

/** A token that dies during the run, and cannot be exchanged for another, would turn the rest of it into 401s, which say nothing about the platform. */
export function requireTokensUntil(end: Date, identities: readonly Identity[]): void {
  const early = identities
    .filter(({ refreshToken }) => refreshToken === undefined)
    .map(({ token }, index) => ({ number: index + 1, expiresAt: expiryOf(token) }))
    .filter(({ expiresAt }) => expiresAt !== undefined && expiresAt < end);
  const [first] = early;
  if (first?.expiresAt === undefined) return;
  throw new Undetermined(
    `${early.length} of ${identities.length} load tokens expire before the run ends at ${end.toISOString()}, the first (identity ${first.number}) at ${first.expiresAt.toISOString()}`,
    {
      hint: 'give refresh tokens (column refresh_token), or tokens that live longer; or run a shorter time with --duration',
    },
  );
}
