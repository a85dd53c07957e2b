import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePorts, isPortFree } from '../../src/adapters/ports.ts';

describe('free ports', () => {
  it('are different, and nobody listens on them', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) expect(await isPortFree(port)).toBe(true);
  });

  it('do not lie where systems take the ports of clients from', async () => {
    for (const port of await freePorts(20)) expect(port).toBeLessThan(32_768);
  });

  it('are told from one that is taken', async () => {
    const [port = 0] = await freePorts(1);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
  });
});
