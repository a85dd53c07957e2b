import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { Undetermined } from '../lifecycle/errors.ts';

/**
 * Below those that systems give to clients by themselves (32768 on Linux, 49152 on macOS): load makes thousands of
 * connections, and each would otherwise have a chance to take a port between our looking and our listening.
 */
const range = { first: 20_000, last: 31_999 };
const attempts = 200;

/** Ports of 127.0.0.1 that nobody listens on, all different. Random, so that two who look at once see others. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; attempt < attempts && found.size < count; attempt++) {
    const port = randomInt(range.first, range.last + 1);
    if (await isPortFree(port)) found.add(port);
  }
  if (found.size === count) return [...found];
  throw new Undetermined(
    `only ${found.size} of ${count} free ports were found on 127.0.0.1 between ${range.first} and ${range.last}`,
    { hint: 'see what listens with: ss -ltn' },
  );
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

function listenOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve()));
  });
}
