import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxConfig } from '../../src/sandbox/config.ts';
import { requireOwnParts } from '../../src/sandbox/own-parts.ts';

/** Another sandbox: healthy, and with another signing key. */
const stranger = createServer((request, response) => {
  response.writeHead(request.url === '/health' ? 200 : 401).end('{}');
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  port = (stranger.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => stranger.close(resolve)));

describe('a sandbox', () => {
  it('does not take another sandbox on its port for its own', async () => {
    const config = {
      basePath: '/v1',
      jwtSigningKey: 'ours',
      ports: { database: 0, cache: 0, edge: port, backend: [] },
    } as unknown as SandboxConfig;
    const check = requireOwnParts(config, new AbortController().signal);
    await expect(check).rejects.toThrow(`another program answers on port ${port}: 401`);
  });
});
