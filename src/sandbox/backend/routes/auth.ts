import type { FastifyInstance, FastifyRequest } from 'fastify';
import { argon2Verify } from 'hash-wasm';
import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { clientAddress } from '../client.ts';
import { ApiError, forbidden, unauthorized } from '../errors.ts';
import { countFailedLogin, forgetFailedLogins, refuseLocked } from '../login-locks.ts';
import { closeLoginSessions, openLoginSession, rotateRefreshToken } from '../login-sessions.ts';
import { limitRate, type RateLimit, rateLimits } from '../rate-limit.ts';
import { type AuditLine, logAudit } from '../request-log.ts';
import { authenticate, publicUser, type User, userColumns } from '../users.ts';
import { parse } from '../validation.ts';

const credentials = z.object({ email: z.string().min(3), password: z.string().min(1) });
const refreshRequest = z.object({ refresh_token: z.string().min(1) });

interface UserRow extends Omit<User, 'authSessionId'> {
  readonly password_hash: string | null;
  readonly email_verified: boolean;
}

export function authRoutes(app: FastifyInstance, backend: Backend): void {
  app.post('/login', async (request) => {
    const { email: given, password } = parse(credentials, request.body);
    const email = given.toLowerCase();
    const ip = clientAddress(request);
    await limitLogin(backend, request, rateLimits.loginByIp, ip);
    await limitLogin(backend, request, rateLimits.loginByEmail, email);
    await refuseLocked(backend.cache, email, ip);
    const user = await recognise(backend, request, { email, ip, password });
    const userAgent = request.headers['user-agent'] ?? null;
    const tokens = await openLoginSession(backend, request.database, user, { ip, userAgent });
    await forgetFailedLogins(backend.cache, email);
    audit(request, { event: 'auth_login_success', actorId: user.id, outcome: 'allow', reasonCode: null });
    return { user: publicUser(user), tokens, mfa_required: false, mfa_token: null, method: null };
  });

  app.post('/refresh', async (request) => {
    const { refresh_token: token } = parse(refreshRequest, request.body);
    return { tokens: await rotateRefreshToken(backend, request.database, token) };
  });

  app.post('/logout', async (request) => {
    const { id, authSessionId } = await authenticate(backend, request);
    await closeLoginSessions(backend, request.database, id, authSessionId);
    return { message: 'Logged out' };
  });

  app.post('/logout-all', async (request) => {
    const { id } = await authenticate(backend, request);
    await closeLoginSessions(backend, request.database, id);
    return { message: 'Logged out everywhere' };
  });

  app.get('/me', async (request) => ({ user: publicUser(await authenticate(backend, request)) }));
}

async function limitLogin(
  { cache }: Backend,
  request: FastifyRequest,
  limit: RateLimit,
  id: string,
): Promise<void> {
  try {
    await limitRate(cache, limit, id);
  } catch (error) {
    const event = `rate_limited_auth.login_${limit.per}`;
    audit(request, { event, actorId: null, outcome: 'deny', reasonCode: 'RATE_LIMITED' });
    throw error;
  }
}

interface Attempt {
  readonly email: string;
  readonly ip: string;
  readonly password: string;
}

async function recognise(
  { cache }: Backend,
  request: FastifyRequest,
  { email, ip, password }: Attempt,
): Promise<UserRow> {
  const user = await request.database.one<UserRow>(
    `SELECT ${userColumns}, password_hash, email_verified FROM users WHERE email = $1`,
    [email],
  );
  if (user !== undefined && user.password_hash === null) {
    throw new ApiError(403, 'OAUTH_ONLY_ACCOUNT', 'This account has no password');
  }
  const hash = user?.password_hash;
  if (user === undefined || hash == null || !(await argon2Verify({ password, hash }))) {
    const actorId = user?.id ?? null;
    audit(request, {
      event: 'auth_login_failed',
      actorId,
      outcome: 'deny',
      reasonCode: 'INVALID_CREDENTIALS',
    });
    for (const event of await countFailedLogin(cache, email, ip)) {
      audit(request, { event, actorId, outcome: 'deny', reasonCode: event.toUpperCase() });
    }
    throw unauthorized('Invalid email or password');
  }
  if (!user.email_verified) throw new ApiError(403, 'EMAIL_NOT_VERIFIED', 'Email address is not verified');
  if (!user.is_active) throw forbidden('Inactive user');
  return user;
}

function audit(
  request: FastifyRequest,
  line: Pick<AuditLine, 'event' | 'actorId' | 'outcome' | 'reasonCode'>,
): void {
  logAudit({
    ...line,
    action: 'auth.login',
    ip: clientAddress(request),
    userAgent: request.headers['user-agent'] ?? null,
    requestId: request.requestId,
  });
}
