import type { Dispatcher } from 'undici';
import type { Api, ApiRequest, ApiResponse } from '../lifecycle/environment.ts';
import { ConfigError, messageOf, Undetermined } from '../lifecycle/errors.ts';
import { expiryOf } from '../lifecycle/token-expiry.ts';
import { dispatcherTo, wayHint } from './network-way.ts';
import { parsedOrText } from './parsed-or-text.ts';

const unreachableHint =
  'see whether the backend runs (of a sandbox: examctl sandbox status), and check api.url of the environment';

export interface HttpApiOptions {
  /** with or without the base path: "https://api.example.com", "http://127.0.0.1:4000/v1" */
  readonly url: string;
  /** tried in this order; the first whose /health answers 200 is it */
  readonly basePaths: readonly string[];
  /** of requests `as: 'admin'`; looked up when one is made */
  readonly adminToken?: () => string;
  /** names proxies and certificates */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface HttpApi extends Api {
  close(): Promise<void>;
}

/** Opens no connection until the first request. */
export function httpApi({ url, basePaths, adminToken, env = {} }: HttpApiOptions): HttpApi {
  const address = withoutTrailingSlash(withoutLogin(url));
  const longestFirst = [...basePaths].sort((a, b) => b.length - a.length);
  const given = longestFirst.find((basePath) => address.endsWith(basePath));
  const root = given === undefined ? address : address.slice(0, -given.length);
  /** by origin: each instance of the backend has its own */
  const dispatchers = new Map<string, Promise<Dispatcher>>();
  let basePath = given;

  async function send(base: string, request: ApiRequest, path: string): Promise<ApiResponse> {
    const options = { url: base + path, request, headers: headersOf(request, adminToken), env };
    const open = () => dispatcherTo(base, env, { connect: { timeout: 5000 } });
    if (request.freshConnection) {
      const fresh = await open();
      return exchange(fresh, options).finally(() => fresh.destroy());
    }
    const { origin } = new URL(base);
    const dispatcher = dispatchers.get(origin) ?? open();
    dispatchers.set(origin, dispatcher);
    return exchange(await dispatcher, options);
  }

  /** Asked once, and again only while no path has answered. */
  async function detectBasePath(
    base: string,
    { timeout, signal }: Pick<ApiRequest, 'timeout' | 'signal'>,
  ): Promise<string> {
    const seen: string[] = [];
    for (const candidate of basePaths) {
      const probe: ApiRequest = {
        method: 'GET',
        path: '/health',
        ...(timeout === undefined ? {} : { timeout }),
        ...(signal === undefined ? {} : { signal }),
      };
      const { status } = await send(base, probe, `${candidate}/health`);
      if (status === 200) return candidate;
      seen.push(`${candidate}/health answered ${status}`);
    }
    throw new Undetermined(`no exam API found under ${base}: ${seen.join(', ')}`, {
      hint: unreachableHint,
    });
  }

  return {
    url: root,
    get adminTokenExpiresAt() {
      return adminToken && expiryOf(adminToken());
    },
    baseUrl: async (signal) => {
      const base = withoutTrailingSlash(root);
      basePath = await detectBasePath(base, { signal });
      return base + basePath;
    },
    request: async (request) => {
      const base = withoutTrailingSlash(request.address ?? root);
      if (request.path.startsWith('//')) return send(base, request, request.path.slice(1));
      basePath ??= await detectBasePath(base, request);
      return send(base, request, basePath + request.path);
    },
    close: async () => {
      const open = [...dispatchers.values()];
      dispatchers.clear();
      await Promise.allSettled(open.map(async (dispatcher) => (await dispatcher).destroy()));
    },
  };
}

interface Exchange {
  readonly url: string;
  readonly request: ApiRequest;
  readonly headers: Record<string, string>;
  readonly env: NonNullable<HttpApiOptions['env']>;
}

async function exchange(
  dispatcher: Dispatcher,
  { url, request, headers, env }: Exchange,
): Promise<ApiResponse> {
  const { request: send } = await import('undici');
  const { method, body, timeout = 10_000 } = request;
  const deadline = AbortSignal.timeout(timeout);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]);
  const started = performance.now();
  try {
    const answer = await send(url, {
      dispatcher,
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
    const text = await answer.body.text();
    return {
      status: answer.statusCode,
      headers: singleValues(answer.headers),
      body: parsedOrText(text),
      ms: performance.now() - started,
    };
  } catch (cause) {
    // The caller's own abort is for the caller, who knows why.
    request.signal?.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${timeout} ms` : messageOf(cause);
    throw new Undetermined(`${method} ${url} got no answer: ${why}`, {
      cause,
      hint: wayHint(cause, url, env) ?? unreachableHint,
    });
  }
}

function headersOf(
  { as, body, headers }: ApiRequest,
  adminToken: (() => string) | undefined,
): Record<string, string> {
  return {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(as === undefined
      ? {}
      : { authorization: `Bearer ${as === 'admin' ? required(adminToken?.()) : as.token}` }),
    ...headers,
  };
}

function required(adminToken: string | undefined): string {
  if (adminToken !== undefined && adminToken !== '') return adminToken;
  throw new ConfigError('this needs the token of an administrator, and the environment has none', {
    hint: `set api.admin_token of the environment, for example to "\${env:AUTH_TOKEN}"`,
  });
}

function singleValues(headers: Dispatcher.ResponseData['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** It is not sent beside the tokens of students and administrators, and the address is shown and journalled. */
function withoutLogin(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, '$1');
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
