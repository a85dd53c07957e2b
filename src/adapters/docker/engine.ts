import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { said } from '../../lifecycle/redact.ts';
import { hasShape } from '../has-shape.ts';

/** Milliseconds for one answer; what waits for a container to end is given more. */
const answerWithin = 15_000;

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** below the root of the API: "/containers/json" */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** a sample of what the answer must have: whatever else answers at that address is no engine */
  readonly shape?: unknown;
  readonly signal?: AbortSignal;
  /** milliseconds until the answer must begin */
  readonly timeout?: number;
  /** does not keep the process alive */
  readonly background?: boolean;
}

/**
 * The Docker Engine API (docs.docker.com/reference/api/engine), without a version in the path: the engine's own newest.
 * Where it answers 304 what was asked for is so already.
 */
export interface Engine {
  /** where it is, for messages: "unix:///var/run/docker.sock" */
  readonly host: string;
  json<T>(request: EngineRequest): Promise<T>;
  /** the body as it comes, for logs and statistics; ends with the signal */
  stream(request: EngineRequest): Promise<AsyncIterable<Buffer>>;
  /** as stream(), for a process that reads: it is given the input, and then its end */
  attach(request: EngineRequest & { readonly input: string | Buffer }): Promise<AsyncIterable<Buffer>>;
}

/** An answer that says no: 404 for a container that is gone, 409 for one in another state. */
export class EngineError extends Undetermined {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message, { hint: 'docker ps -a shows the containers as they are' });
    this.status = status;
  }
}

/**
 * Connects when it is first used. The environment names the engine as for the docker command: DOCKER_HOST,
 * DOCKER_TLS_VERIFY, DOCKER_CERT_PATH; it is asked for when the engine is.
 */
export function dockerEngine(environment: () => NodeJS.ProcessEnv): Engine {
  const hostOf = ({ DOCKER_HOST }: NodeJS.ProcessEnv) => DOCKER_HOST || 'unix:///var/run/docker.sock';
  const send = async (request: EngineRequest, how: { upgrade?: boolean } = {}): Promise<Answer> => {
    const env = environment();
    const host = hostOf(env);
    const { answer, attached } = await answerOf(placeOf(host, env), request, how).catch((error: unknown) => {
      request.signal?.throwIfAborted();
      throw unreachable(host, error);
    });
    if ((answer.statusCode ?? 0) < 400) return { answer, attached };
    throw refusal(answer.statusCode ?? 0, await textOf(answer), request);
  };
  return {
    get host() {
      return hostOf(environment());
    },
    async json<T>(request: EngineRequest): Promise<T> {
      const { answer } = await send(request);
      const { host } = this;
      try {
        const text = await textOf(answer);
        const body = text === '' ? undefined : parsed(text, host);
        if (request.shape === undefined || hasShape(body, request.shape)) return body as T;
        throw noEngine(host, text);
      } catch (error) {
        request.signal?.throwIfAborted();
        throw unreachable(host, error);
      }
    },
    async stream(request) {
      const { answer } = await send({ timeout: 0, ...request });
      return bodyOf(answer, request.signal);
    },
    async attach({ input, ...request }) {
      const { answer, attached } = await send({ timeout: 0, ...request, method: 'POST' }, { upgrade: true });
      attached?.end(input);
      return bodyOf(attached ?? answer, request.signal);
    },
  };
}

interface Answer {
  readonly answer: IncomingMessage;
  /** the connection, which is a process's own from the answer's header on */
  readonly attached?: Duplex | undefined;
}

/** By the client of Node.js itself: undici takes longer to load than the engine to answer. */
async function answerOf(
  { secure, ...place }: Place,
  {
    method = 'GET',
    path,
    query = {},
    body,
    signal,
    timeout = answerWithin,
    background = false,
  }: EngineRequest,
  { upgrade = false }: { upgrade?: boolean },
): Promise<Answer> {
  const client: { request(options: RequestOptions): ClientRequest } = secure
    ? await import('node:https')
    : await import('node:http');
  return new Promise((resolve, reject) => {
    const sent = client.request({
      ...place,
      method,
      path: path + queryText(query),
      // A connection for each: one with a stream open answers nothing else.
      agent: false,
      headers: {
        host: 'docker',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(upgrade ? { connection: 'Upgrade', upgrade: 'tcp' } : {}),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    sent.setTimeout(timeout, () => sent.destroy(new Error(`no answer in ${timeout / 1_000} s`)));
    if (background) sent.once('socket', (socket) => socket.unref());
    sent.once('response', (answer) => resolve({ answer }));
    sent.once('upgrade', (answer, attached, head) => {
      if (head.length > 0) attached.unshift(head);
      resolve({ answer, attached });
    });
    // also after the answer has begun: a listener that is gone would make it an end of this process
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function* bodyOf(body: Readable, signal: AbortSignal | undefined): AsyncIterable<Buffer> {
  const stop = () => body.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    // Whoever aborts has seen enough.
    if (!signal?.aborted)
      throw new Undetermined(`the Docker engine stopped answering: ${messageOf(error)}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', stop);
    body.destroy();
  }
}

type Place = RequestOptions & { readonly secure: boolean; readonly servername?: string };

function placeOf(host: string, env: NodeJS.ProcessEnv): Place {
  const socketPath = /^unix:\/\/(\/.*)$/.exec(host)?.[1];
  // Without a name Node.js looks whether it is an address, for which it makes patterns as long as the engine answers.
  if (socketPath !== undefined) return { secure: false, socketPath, servername: '' };
  const address = /^(?:tcp|https?):\/\/(.+)$/.exec(host)?.[1];
  if (address === undefined) {
    throw new Undetermined(`the Docker engine at ${host} cannot be asked`, {
      hint: 'DOCKER_HOST may be unix:///path or tcp://host:port; through SSH: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, and DOCKER_HOST=unix:///tmp/docker.sock',
    });
  }
  const secure = Boolean(env.DOCKER_TLS_VERIFY) || host.startsWith('https:');
  const { hostname, port } = new URL(`http://${address}`);
  const place = { secure, hostname: hostname.replace(/^\[|\]$/g, ''), port: port || (secure ? 2376 : 2375) };
  return secure ? { ...place, servername: place.hostname, ...certificates(env) } : place;
}

function certificates({ DOCKER_CERT_PATH, HOME = '' }: NodeJS.ProcessEnv) {
  const folder = DOCKER_CERT_PATH || join(HOME, '.docker');
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name));
    } catch (error) {
      throw new Undetermined(`the certificate for the Docker engine cannot be read: ${messageOf(error)}`, {
        hint: 'DOCKER_CERT_PATH names the folder with ca.pem, cert.pem and key.pem',
        cause: error,
      });
    }
  };
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}

function queryText(query: NonNullable<EngineRequest['query']>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function parsed(text: string, host: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw noEngine(host, text, error);
  }
}

function noEngine(host: string, text: string, cause?: unknown): Undetermined {
  return new Undetermined(`what answers at ${host} is no Docker engine: ${said(text).slice(0, 100)}`, {
    hint: 'see what is there: docker info; another engine is named by DOCKER_HOST',
    cause,
  });
}

function refusal(status: number, text: string, { method = 'GET', path }: EngineRequest): EngineError {
  let message = text.trim();
  try {
    const { message: own } = JSON.parse(text) as { message?: unknown };
    if (typeof own === 'string') message = own;
  } catch {
    // A proxy in between answers as it likes.
  }
  return new EngineError(
    status,
    `the Docker engine answered ${method} ${path} with ${status}: ${message.slice(0, 500)}`,
  );
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'start it (systemctl start docker), or name another by DOCKER_HOST',
  ECONNREFUSED: 'start it (systemctl start docker), or name another by DOCKER_HOST',
  EACCES:
    'use an account in the group docker (sudo usermod -aG docker $USER, and log in again), or name another engine by DOCKER_HOST',
};

function unreachable(host: string, error: unknown): Undetermined {
  if (error instanceof Undetermined) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const why = code === 'EACCES' ? 'this account may not use its socket' : messageOf(error);
  return new Undetermined(`the Docker engine at ${host} does not answer: ${why}`, {
    hint: hints[code] ?? 'see that it runs: docker info',
    cause: error,
  });
}
