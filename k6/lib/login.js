// The tokens of one student. src/load/engine/login.ts does the same: change both.
import encoding from 'k6/encoding';

/** A token is exchanged so long before it expires: nothing may be on its way with it then. */
const marginMs = 30_000;

/** The request that exchanges it; undefined: it need not, or cannot, be exchanged. */
export function renewal({ refreshToken, tokenExpiresAt }, isRefused) {
  if (refreshToken === null) return undefined;
  if (!isRefused && (tokenExpiresAt === null || Date.now() < tokenExpiresAt * 1000 - marginMs))
    return undefined;
  return { refresh_token: refreshToken };
}

/** Whether the answer has a new one. */
export function renew(student, { tokens }) {
  if (typeof tokens?.access_token !== 'string') return false;
  student.token = tokens.access_token;
  student.refreshToken = tokens.refresh_token ?? null;
  student.tokenExpiresAt = expiryOf(student.token);
  return true;
}

/** Seconds since 1970, or null when it is no JWT or has no `exp`. */
function expiryOf(token) {
  try {
    return JSON.parse(encoding.b64decode(token.split('.')[1], 'rawurl', 's')).exp ?? null;
  } catch {
    return null;
  }
}
