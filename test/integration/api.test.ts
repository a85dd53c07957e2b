import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type HttpApi, httpApi } from '../../src/adapters/api.ts';
import { openLoadHttp } from '../../src/adapters/http-load.ts';
import { ConfigError, Undetermined } from '../../src/lifecycle/errors.ts';

const basePaths = ['/v1', '/api/v1'];
const servers: Server[] = [];
const apis: HttpApi[] = [];

afterEach(async () => {
  await Promise.all(apis.splice(0).map((api) => api.close()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly socket: Socket;
  readonly body: string;
}

/** An API under /api/v1, and what it was asked. */
async function listen(
  answer: (seen: Seen, response: ServerResponse) => void = (_, response) => response.end('{"ok":true}'),
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', socket } = request;
    const asked = { method, url, socket, body, authorization: request.headers.authorization };
    seen.push(asked);
    if (url === '/v1/health') {
      response.statusCode = 404;
      response.end('{"detail":"Not Found"}');
    } else if (url === '/api/v1/health') response.end('{"status":"ok"}');
    else answer(asked, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function open(url: string, adminToken?: string): HttpApi {
  const api = httpApi({
    url,
    basePaths,
    ...(adminToken === undefined ? {} : { adminToken: () => adminToken }),
  });
  apis.push(api);
  return api;
}

describe('a certificate of an authority of the house', () => {
  let folder: string;
  let url: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-certificate-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const made = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
    ];
    execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' });
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
      response.end('{}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    secure = server;
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  let secure: Server;
  afterAll(() => {
    secure.closeAllConnections();
    secure.close();
    rmSync(folder, { recursive: true });
  });
  const asked = (env: Record<string, string>) => {
    const api = httpApi({ url, basePaths, env });
    apis.push(api);
    return api.baseUrl(new AbortController().signal);
  };

  test('is trusted when either variable names it, for students, too', async () => {
    const cert = join(folder, 'cert.pem');
    expect(await asked({ SSL_CERT_FILE: cert })).toBe(`${url}/v1`);
    expect(await asked({ NODE_EXTRA_CA_CERTS: cert })).toBe(`${url}/v1`);
    const env = { SSL_CERT_FILE: cert };
    const http = openLoadHttp({ baseUrl: `${url}/v1`, connections: 1, timeoutSeconds: 5, env });
    const { signal } = new AbortController();
    expect(await http.request({ method: 'GET', path: '/x', token: 't', signal })).toMatchObject({
      status: 200,
    });
    await http.close();
  });

  test('is named as what is wrong, with the variables, where it is not', async () => {
    await expect(asked({})).rejects.toHaveProperty('hint', expect.stringContaining('NODE_EXTRA_CA_CERTS'));
    await expect(asked({ SSL_CERT_FILE: join(folder, 'none.pem') })).rejects.toThrow(ConfigError);
  });
});

test('an address that is behind a proxy is asked through it', async () => {
  const { url, seen } = await listen();
  const api = httpApi({ url: 'http://exams.invalid', basePaths: ['/api/v1'], env: { http_proxy: url } });
  apis.push(api);
  expect(await api.baseUrl(new AbortController().signal)).toBe('http://exams.invalid/api/v1');
  expect(seen.map((asked) => asked.url)).toEqual(['http://exams.invalid/api/v1/health']);
});

test('a login in the address is neither shown nor sent', async () => {
  const { url, seen } = await listen();
  const api = open(url.replace('//', '//ops:p@ss@'));
  expect(await api.baseUrl(new AbortController().signal)).toBe(`${url}/api/v1`);
  expect(api.url).toBe(url);
  expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
});

test('the base path is found by its health endpoint, once', async () => {
  const { url, seen } = await listen();
  const api = open(url);
  expect(await api.request({ method: 'GET', path: '/ready' })).toMatchObject({
    status: 200,
    body: { ok: true },
  });
  await api.request({ method: 'GET', path: '/ready' });
  expect(seen.map((asked) => asked.url)).toEqual([
    '/v1/health',
    '/api/v1/health',
    '/api/v1/ready',
    '/api/v1/ready',
  ]);
});

test('a base path that is in the address is not looked for, and not part of `url`', async () => {
  const { url, seen } = await listen();
  const api = open(`${url}/api/v1/`);
  // '/v1' is the end of '/api/v1', too.
  await api.request({ method: 'GET', path: '/ready' });
  expect(seen.map((asked) => asked.url)).toEqual(['/api/v1/ready']);
  expect(api.url).toBe(url);
});

test('a path with two slashes is that of the root', async () => {
  const { url, seen } = await listen();
  await open(url).request({ method: 'GET', path: '//health' });
  expect(seen.map((asked) => asked.url)).toEqual(['/health']);
});

test('an answer of any status resolves, with its headers and its body as text when it is no JSON', async () => {
  const { url } = await listen((_, response) => {
    response.writeHead(503, { 'retry-after': '7' });
    response.end('Service Unavailable');
  });
  const answer = await open(url).request({ method: 'POST', path: '/sessions', body: { count: 1 } });
  expect(answer).toMatchObject({ status: 503, body: 'Service Unavailable', headers: { 'retry-after': '7' } });
  expect(answer.ms).toBeGreaterThan(0);
});

test('the body is JSON, and the token that of the one who acts', async () => {
  const { url, seen } = await listen();
  const api = open(url, 'admin-token');
  await api.request({ method: 'POST', path: '/x', body: { a: 1 }, as: 'admin' });
  await api.request({ method: 'POST', path: '/x', as: { token: 'student-token' } });
  await api.request({ method: 'POST', path: '/x' });
  expect(seen.slice(2).map(({ authorization, body }) => [authorization, body])).toEqual([
    ['Bearer admin-token', '{"a":1}'],
    ['Bearer student-token', ''],
    [undefined, ''],
  ]);
});

test('acting as an administrator without a token is a configuration error', async () => {
  const { url } = await listen();
  await expect(open(url).request({ method: 'GET', path: '/x', as: 'admin' })).rejects.toThrow(ConfigError);
});

test('a fresh connection is a new one each time, others are used again', async () => {
  const { url, seen } = await listen();
  const api = open(`${url}/api/v1`);
  for (let time = 0; time < 6; time += 1) await api.request({ method: 'GET', path: '/kept' });
  for (let time = 0; time < 6; time += 1) {
    await api.request({ method: 'GET', path: '/fresh', freshConnection: true });
  }
  const socketsOf = (path: string) =>
    new Set(seen.filter((asked) => asked.url.endsWith(path)).map(({ socket }) => socket)).size;
  expect(socketsOf('/kept')).toBeLessThan(6);
  expect(socketsOf('/fresh')).toBe(6);
});

test('one instance can be asked instead of the edge', async () => {
  const edge = await listen();
  const instance = await listen();
  await open(edge.url).request({ method: 'GET', path: '/ready', address: instance.url });
  expect(edge.seen).toEqual([]);
  expect(instance.seen.at(-1)?.url).toBe('/api/v1/ready');
});

test('no answer in time is undetermined and says how long it waited', async () => {
  const { url } = await listen(() => undefined);
  const asked = open(url).request({ method: 'GET', path: '/hangs', timeout: 100 });
  await expect(asked).rejects.toThrow(Undetermined);
  await expect(asked).rejects.toThrow(/GET http.*\/api\/v1\/hangs got no answer: no answer within 100 ms/);
});

test('a refused connection is undetermined, with the address and the cause', async () => {
  const { url } = await listen();
  const [server] = servers.splice(0);
  await new Promise((resolve) => server?.close(resolve));
  const asked = open(url).request({ method: 'GET', path: '/ready' });
  await expect(asked).rejects.toThrow(Undetermined);
  await expect(asked).rejects.toThrow(/ECONNREFUSED/);
  await expect(asked).rejects.toMatchObject({ cause: expect.objectContaining({ code: 'ECONNREFUSED' }) });
});

test('an address without an exam API is undetermined and says what was tried', async () => {
  const { url } = await listen((_, response) => response.end('{}'));
  const api = httpApi({ url, basePaths: ['/v1', '/v2'] });
  apis.push(api);
  await expect(api.request({ method: 'GET', path: '/ready' })).resolves.toMatchObject({ status: 200 });
  const other = httpApi({ url, basePaths: ['/v1'] });
  apis.push(other);
  await expect(other.request({ method: 'GET', path: '/ready' })).rejects.toThrow('/v1/health answered 404');
});

test('the abort of the caller stays the abort of the caller', async () => {
  const { url } = await listen(() => undefined);
  const abort = new AbortController();
  const asked = open(url).request({ method: 'GET', path: '/hangs', signal: abort.signal });
  setTimeout(() => abort.abort(new Error('Ctrl-C')), 50);
  await expect(asked).rejects.toThrow('Ctrl-C');
});
