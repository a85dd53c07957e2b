import { messageOf } from '../../lifecycle/errors.ts';

const graceMs = 2_800;

/**
 * Resolves after `stop`, which runs on SIGTERM, SIGINT or the end of stdin: that is how a process of the sandbox
 * learns that its supervisor is gone, however it went.
 */
export async function runUntilAskedToStop(stop: () => Promise<void>): Promise<void> {
  await askedToStop();
  // a request that hangs in the database would keep the process alive for as long as it hangs
  const deadline = setTimeout(() => process.exit(0), graceMs);
  try {
    await stop();
  } catch (error) {
    process.stderr.write(`stopping failed: ${messageOf(error)}\n`);
  } finally {
    clearTimeout(deadline);
  }
  process.exit(0);
}

function askedToStop(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    process.stdin.once('end', () => resolve());
    process.stdin.once('error', () => resolve());
    process.stdin.resume();
  });
}
