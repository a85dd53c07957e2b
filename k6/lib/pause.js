import { sleep } from 'k6';

/** sleep() returns at once when k6 was told to stop; going on would send what nobody waits for. */
export function pause(seconds) {
  if (seconds <= 0) return;
  const until = Date.now() + seconds * 1000;
  sleep(seconds);
  if (Date.now() < until - 50) throw new Error('the run was stopped');
}
