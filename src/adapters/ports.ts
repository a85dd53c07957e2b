import { createServer } from 'node:net';
import { messageOf, Undetermined } from '../lifecycle/errors.ts';

/** Ports of 127.0.0.1 that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.allSettled(Array.from({ length: count }, () => listen(0)));
  const open = servers.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  await Promise.all(open.map(({ close }) => close()));
  const failure = servers.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    throw new Undetermined(`no ${count} free ports on 127.0.0.1: ${messageOf(failure.reason)}`, {
      hint: 'see what listens with: ss -ltn',
      cause: failure.reason,
    });
  }
  return open.map(({ port }) => port);
}

export async function isPortFree(port: number): Promise<boolean> {
  try {
    await (await listen(port)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

function listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('no TCP address'));
      resolve({ port: address.port, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
