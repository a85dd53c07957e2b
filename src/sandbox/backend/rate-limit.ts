import type { Cache } from './cache.ts';
import { rateLimited } from './errors.ts';

export interface RateLimit {
  /** "sessions.create" */
  readonly route: string;
  readonly per: 'user' | 'ip' | 'email';
  readonly limit: number;
  readonly seconds: number;
}

export const rateLimits = {
  loginByIp: { route: 'auth.login', per: 'ip', limit: 5, seconds: 60 },
  loginByEmail: { route: 'auth.login', per: 'email', limit: 10, seconds: 60 },
  createSession: { route: 'sessions.create', per: 'user', limit: 10, seconds: 60 },
  submitSession: { route: 'sessions.submit', per: 'user', limit: 10, seconds: 60 },
  emailDrain: { route: 'admin.email_drain', per: 'user', limit: 20, seconds: 3_600 },
  broadcast: { route: 'admin.notifications_broadcast', per: 'user', limit: 30, seconds: 3_600 },
  runtimeSwitch: { route: 'admin.runtime_switch', per: 'user', limit: 10, seconds: 3_600 },
} as const satisfies Record<string, RateLimit>;

export type WithoutCache = 'allow' | 'refuse';

/**
 * Every request renews the window, refused ones too: the count falls only after a whole quiet window.
 * Without Redis everything is allowed, unless told otherwise.
 */
export async function limitRate(
  cache: Cache,
  { route, per, limit, seconds }: RateLimit,
  id: string,
  withoutCache: WithoutCache = 'allow',
): Promise<void> {
  let count: number;
  try {
    count = await cache.count(`rl:${route}:${per}:${id}:${seconds}`, seconds);
  } catch {
    if (withoutCache === 'refuse') throw rateLimited(seconds);
    return;
  }
  if (count > limit) throw rateLimited(seconds);
}
