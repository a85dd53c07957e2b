import { randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { SandboxConfig } from '../config.ts';
import { unauthorized } from './errors.ts';

export type Role = 'STUDENT' | 'ADMIN' | 'REVIEWER';

export interface AccessClaims {
  readonly userId: string;
  readonly role: string;
  readonly authSessionId: string;
}

/** ACCESS_TOKEN_EXPIRE_MINUTES of the platform */
const accessSeconds = 15 * 60;
/** long enough for a rehearsal; what logs in gets the 15 minutes of the platform */
const mintedSeconds = 24 * 3600;

export function issueAccessToken(
  signingKey: string,
  claims: AccessClaims,
  { seconds = accessSeconds, clockOffsetSeconds = 0 } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000) + clockOffsetSeconds;
  return new SignJWT({ role: claims.role, type: 'access', sid: claims.authSessionId })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(claims.userId)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .setJti(randomUUID())
    .sign(new TextEncoder().encode(signingKey));
}

export interface TokenOwner {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
}

export interface MintedIdentity {
  readonly userId: string;
  readonly email: string;
  readonly token: string;
}

/**
 * Access tokens of 24 h without a login, for which the platform's rate limit would take hours; issued by a clock that
 * is off by so much.
 */
export function mintTokens(
  { jwtSigningKey }: Pick<SandboxConfig, 'jwtSigningKey'>,
  owners: readonly TokenOwner[],
  { clockOffsetSeconds = 0 } = {},
): Promise<MintedIdentity[]> {
  const how = { seconds: mintedSeconds, clockOffsetSeconds };
  return Promise.all(
    owners.map(async ({ id, email, role }) => {
      const claims = { userId: id, role, authSessionId: randomUUID() };
      return { userId: id, email, token: await issueAccessToken(jwtSigningKey, claims, how) };
    }),
  );
}

export async function verifyAccessToken(signingKey: Uint8Array, token: string): Promise<AccessClaims> {
  try {
    const { payload } = await jwtVerify(token, signingKey, { algorithms: ['HS256'] });
    const { sub, role, sid, type } = payload;
    if (type !== 'access' || sub === undefined || typeof role !== 'string')
      throw unauthorized('Invalid token');
    return { userId: sub, role, authSessionId: typeof sid === 'string' ? sid : '' };
  } catch (error) {
    if (error instanceof errors.JOSEError) throw unauthorized('Invalid or expired token');
    throw error;
  }
}
