import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openLoadHttp } from '../../src/adapters/http-load.ts';

let server: Server | undefined;
let http: ReturnType<typeof openLoadHttp> | undefined;

afterEach(async () => {
  await http?.close();
  server?.closeAllConnections();
  server?.close();
});

async function open(answer: RequestListener, timeoutSeconds = 5) {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  http = openLoadHttp({ baseUrl: `http://127.0.0.1:${port}/v1`, connections: 2, timeoutSeconds });
  return http;
}

const about = { method: 'POST', path: '/x', token: 'a.token', body: { a: 1 } } as const;

test('an answer that comes in pieces is put together, with its status and when to come back', async () => {
  const seen: string[] = [];
  const { request } = await open((asked, response) => {
    seen.push(`${asked.method} ${asked.url} ${asked.headers.authorization} ${asked.headers['content-type']}`);
    response.writeHead(429, { 'retry-after': '7' });
    response.write('{"message":"Zu ');
    setTimeout(() => response.end('schnell ✓"}'), 50);
  });
  const { signal } = new AbortController();
  const answer = await request({ ...about, signal });
  expect(answer).toEqual({ status: 429, body: { message: 'Zu schnell ✓' }, retryAfterSeconds: 7 });
  expect(seen).toEqual(['POST /v1/x Bearer a.token application/json']);
});

test('who is stopped does not wait for an answer, and neither does who gives up', async () => {
  const { request } = await open(() => undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  expect(await request({ ...about, signal: stop.signal })).toMatchObject({ status: 0 });
  expect(await request({ ...about, signal: stop.signal })).toMatchObject({ status: 0 });
  const { signal } = new AbortController();
  expect(await request({ ...about, giveUpMs: 50, signal })).toMatchObject({ status: 0 });
});

test('a connection that breaks, or is refused, or no answer in time, is no answer', async () => {
  const { request } = await open((asked) => {
    if (asked.url === '/v1/breaks') asked.socket.destroy();
  }, 1);
  const { signal } = new AbortController();
  const none = (why: string) => ({ status: 0, body: expect.stringContaining(why), retryAfterSeconds: null });
  expect(await request({ ...about, path: '/breaks', signal })).toEqual(none('closed'));
  expect(await request({ ...about, signal })).toEqual(none('Timeout'));
  const refusing = openLoadHttp({ baseUrl: 'http://127.0.0.1:1', connections: 1, timeoutSeconds: 1 });
  expect(await refusing.request({ ...about, signal })).toEqual(none('ECONNREFUSED'));
  await refusing.close();
});
