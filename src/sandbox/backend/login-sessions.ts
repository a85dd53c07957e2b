import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Backend } from './backend.ts';
import type { Database, Queryable } from './database.ts';
import { ApiError, rateLimited, unauthorized } from './errors.ts';
import { issueAccessToken } from './tokens.ts';

const refreshDays = 14;
const refreshesPerHour = 60;
const hour = 3_600;
const longestRevocationSeconds = 7 * 24 * hour;

interface RefreshRow {
  id: string;
  user_id: string;
  session_id: string;
  family_id: string;
  expired: boolean;
  rotated_at: Date | null;
  revoked_at: Date | null;
  role: string;
  is_active: boolean;
}

export async function openLoginSession(
  { config }: Backend,
  database: Database,
  user: { readonly id: string; readonly role: string },
  client: { readonly ip: string; readonly userAgent: string | null },
) {
  const authSessionId = randomUUID();
  const refreshToken = await database.transaction(async (transaction) => {
    await transaction.query(
      'INSERT INTO auth_sessions (id, user_id, last_seen_at, ip_address, user_agent) VALUES ($1, $2, now(), $3, $4)',
      [authSessionId, user.id, client.ip, client.userAgent],
    );
    await transaction.query('UPDATE users SET last_login_at = now() WHERE id = $1', [user.id]);
    return { value: await addRefreshToken(transaction, user.id, authSessionId, randomUUID()) };
  });
  const accessToken = await issueAccessToken(config.jwtSigningKey, {
    userId: user.id,
    role: user.role,
    authSessionId,
  });
  return tokenPair(accessToken, refreshToken);
}

/** Each refresh token is good for one use; a second use ends all that came from the same login. */
export async function rotateRefreshToken({ config, cache }: Backend, database: Database, token: string) {
  const row = await database.one<RefreshRow>(
    `SELECT token.id, token.user_id, token.session_id, token.family_id, token.rotated_at, token.revoked_at,
            token.expires_at < now() AS expired, users.role, users.is_active
       FROM refresh_tokens token JOIN users ON users.id = token.user_id
      WHERE token.token_hash = $1`,
    [hashOf(token)],
  );
  if (row === undefined || row.expired || !row.is_active) throw unauthorized('Invalid refresh token');
  await limitRefreshes({ config, cache }, row);
  if (row.rotated_at !== null || row.revoked_at !== null) {
    await database.query(
      'UPDATE refresh_tokens SET revoked_at = now() WHERE family_id = $1 AND revoked_at IS NULL',
      [row.family_id],
    );
    throw new ApiError(401, 'REFRESH_TOKEN_REUSE', 'Refresh token was already used');
  }
  const { user_id: userId, session_id: authSessionId, role } = row;
  const refreshToken = await database.transaction(async (transaction) => {
    const [rotated] = await transaction.query(
      'UPDATE refresh_tokens SET rotated_at = now() WHERE id = $1 AND rotated_at IS NULL RETURNING id',
      [row.id],
    );
    if (rotated === undefined)
      throw new ApiError(401, 'REFRESH_TOKEN_REUSE', 'Refresh token was already used');
    return { value: await addRefreshToken(transaction, userId, authSessionId, row.family_id) };
  });
  return tokenPair(
    await issueAccessToken(config.jwtSigningKey, { userId, role, authSessionId }),
    refreshToken,
  );
}

/** The one limit that closes without Redis, where Redis is required. */
async function limitRefreshes(
  { config, cache }: Pick<Backend, 'config' | 'cache'>,
  row: RefreshRow,
): Promise<void> {
  let count: number;
  let revoked: unknown;
  try {
    count = await cache.count(`rl:refresh:user:${row.user_id}`, hour);
    revoked = await cache.call('EXISTS', `bl:session:${row.session_id}`);
  } catch {
    if (config.redisRequired === true) throw rateLimited(hour);
    return;
  }
  if (count > refreshesPerHour) throw rateLimited(hour);
  if (revoked === 1) throw unauthorized('Session was revoked');
}

/** Of one session, or of all when no session is given. Access tokens live on until they end. */
export async function closeLoginSessions(
  { cache }: Backend,
  database: Database,
  userId: string,
  authSessionId?: string,
) {
  const closed = await database.query<{ id: string }>(
    `UPDATE auth_sessions SET revoked_at = now(), revoke_reason = 'logout'
      WHERE user_id = $1 AND ($2::uuid IS NULL OR id = $2) AND revoked_at IS NULL
      RETURNING id`,
    [userId, authSessionId ?? null],
  );
  const ids = closed.map(({ id }) => id);
  await database.query(
    'UPDATE refresh_tokens SET revoked_at = now() WHERE session_id = ANY ($1::uuid[]) AND revoked_at IS NULL',
    [ids],
  );
  try {
    for (const id of ids) await cache.call('SET', `bl:session:${id}`, '1', 'EX', longestRevocationSeconds);
  } catch {
    // the refresh tokens are revoked in the database, too
  }
}

async function addRefreshToken(
  transaction: Queryable,
  userId: string,
  authSessionId: string,
  familyId: string,
) {
  const token = randomBytes(32).toString('base64url');
  await transaction.query(
    `INSERT INTO refresh_tokens (user_id, session_id, family_id, token_hash, expires_at)
     VALUES ($1, $2, $3, $4, now() + $5 * interval '1 day')`,
    [userId, authSessionId, familyId, hashOf(token), refreshDays],
  );
  return token;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function tokenPair(accessToken: string, refreshToken: string) {
  return { access_token: accessToken, refresh_token: refreshToken, token_type: 'bearer' };
}
