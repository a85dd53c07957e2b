import type { Cache } from './cache.ts';
import { ApiError } from './errors.ts';

const failureSeconds = 900;
const lockSeconds = 900;
const longestLockSeconds = 86_400;
const failuresByEmail = 8;
const failuresByIp = 30;

/** Without Redis nobody is locked out. */
export async function refuseLocked(cache: Cache, email: string, ip: string): Promise<void> {
  for (const [key, code] of [
    [`lock:ip:${ip}`, 'IP_LOCKED'],
    [`lock:email:${email}`, 'ACCOUNT_LOCKED'],
  ] as const) {
    const seconds = await timeToLive(cache, key);
    if (seconds <= 0) continue;
    if (code === 'IP_LOCKED') await setTimeToLive(cache, key, Math.min(seconds * 2, longestLockSeconds));
    throw new ApiError(403, code, 'Too many failed logins', { details: { lock_expires_in: seconds } });
  }
}

/** The codes of the locks that this failure brought. */
export async function countFailedLogin(
  cache: Cache,
  email: string,
  ip: string,
): Promise<('account_locked' | 'ip_locked')[]> {
  const locks: ('account_locked' | 'ip_locked')[] = [];
  try {
    if ((await cache.count(`fail:login:email:${email}`, failureSeconds)) >= failuresByEmail) {
      await cache.call('SET', `lock:email:${email}`, '1', 'EX', lockSeconds);
      locks.push('account_locked');
    }
    if ((await cache.count(`fail:login:ip:${ip}`, failureSeconds)) >= failuresByIp) {
      await cache.call('SET', `lock:ip:${ip}`, '1', 'EX', lockSeconds);
      locks.push('ip_locked');
    }
  } catch {
    // fails open, like the limits
  }
  return locks;
}

export async function forgetFailedLogins(cache: Cache, email: string): Promise<void> {
  try {
    await cache.call('DEL', `fail:login:email:${email}`);
  } catch {
    // they end by themselves
  }
}

async function timeToLive(cache: Cache, key: string): Promise<number> {
  try {
    return Number(await cache.call('TTL', key));
  } catch {
    return 0;
  }
}

async function setTimeToLive(cache: Cache, key: string, seconds: number): Promise<void> {
  try {
    await cache.call('EXPIRE', key, seconds);
  } catch {
    // the lock holds for its first time
  }
}
