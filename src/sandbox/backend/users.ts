import type { FastifyRequest } from 'fastify';
import type { Backend } from './backend.ts';
import { forbidden, unauthorized } from './errors.ts';
import { type Role, verifyAccessToken } from './tokens.ts';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly full_name: string | null;
  readonly role: Role;
  readonly is_active: boolean;
  readonly onboarding_completed: boolean;
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly authSessionId: string;
}

export const userColumns =
  'id, email, full_name, role, is_active, onboarding_completed, created_at, updated_at';

export async function authenticate({ signingKey }: Backend, request: FastifyRequest): Promise<User> {
  if (request.user !== undefined) return request.user;
  const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined) throw unauthorized();
  const claims = await verifyAccessToken(signingKey, token);
  const row = await request.database.one<Omit<User, 'authSessionId'>>(
    `SELECT ${userColumns} FROM users WHERE id = $1`,
    [claims.userId],
  );
  if (row === undefined || row.role !== claims.role) throw unauthorized('Invalid or expired token');
  if (!row.is_active) throw forbidden('Inactive user');
  request.user = { ...row, authSessionId: claims.authSessionId };
  return request.user;
}

export async function requireRole(
  backend: Backend,
  request: FastifyRequest,
  ...roles: Role[]
): Promise<User> {
  const user = await authenticate(backend, request);
  if (!roles.includes(user.role)) throw forbidden();
  return user;
}

export function publicUser({
  id,
  full_name,
  email,
  role,
  onboarding_completed,
  created_at,
  updated_at,
}: Omit<User, 'authSessionId'>) {
  return { id, name: full_name, email, role, onboarding_completed, created_at, updated_at };
}
