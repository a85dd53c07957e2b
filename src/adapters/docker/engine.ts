import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { buildConnector, Client, Dispatcher } from 'undici';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';

/** Milliseconds for one answer; what waits for a container to end is given more. */
const answerWithin = 15_000;

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** below the root of the API: "/containers/json" */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
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

/** Connects when it is first used. `env` names the engine as for the docker command: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH. */
export function dockerEngine(env: NodeJS.ProcessEnv): Engine {
  const host = env.DOCKER_HOST || 'unix:///var/run/docker.sock';
  const send = async (request: EngineRequest) => {
    const { method = 'GET', path, query = {}, body, signal } = request;
    // One connection each: a client with a stream open answers nothing else.
    const client = await clientFor(host, env, request);
    try {
      const answer = await client.request({
        method,
        path: path + queryText(query),
        headers: { host: 'docker', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      return { client, answer };
    } catch (error) {
      await client.destroy();
      signal?.throwIfAborted();
      throw unreachable(host, error);
    }
  };
  return {
    host,
    async json<T>(request: EngineRequest): Promise<T> {
      const { client, answer } = await send(request);
      try {
        const text = await answer.body.text();
        if (answer.statusCode >= 400) throw refusal(answer.statusCode, text, request);
        return (text === '' ? undefined : parsed(text, host)) as T;
      } finally {
        await client.destroy();
      }
    },
    async stream(request) {
      const { client, answer } = await send({ timeout: 0, ...request });
      if (answer.statusCode >= 400) {
        const text = await answer.body.text();
        await client.destroy();
        throw refusal(answer.statusCode, text, request);
      }
      return bodyOf(client, answer.body, request.signal);
    },
    async attach({ input, ...request }) {
      const { path, body, signal } = request;
      const client = await clientFor(host, env, { timeout: 0, ...request });
      try {
        // As the docker command does: the connection is the process's own from the answer's header on.
        const asked: Dispatcher.UpgradeOptions & Pick<Dispatcher.DispatchOptions, 'body'> = {
          method: 'POST',
          path,
          protocol: 'tcp',
          headers: { host: 'docker', 'content-type': 'application/json' },
          body: JSON.stringify(body),
          ...(signal === undefined ? {} : { signal }),
        };
        const { socket } = await client.upgrade(asked);
        socket.end(input);
        return bodyOf(client, socket, signal);
      } catch (error) {
        await client.destroy();
        signal?.throwIfAborted();
        throw unreachable(host, error);
      }
    },
  };
}

async function* bodyOf(
  client: Client,
  body: Readable,
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> {
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
    await client.destroy();
  }
}

async function clientFor(host: string, env: NodeJS.ProcessEnv, request: EngineRequest): Promise<Client> {
  // Most commands ask no engine.
  const { buildConnector, Client } = await import('undici');
  const { timeout = answerWithin, background = false } = request;
  const { url, ...how } = placeOf(host, env);
  const connect = buildConnector({ ...how, timeout: answerWithin });
  return new Client(url, {
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: background
      ? (options, done) =>
          connect(options, (...result) => {
            result[1]?.unref();
            done(...result);
          })
      : connect,
  });
}

function placeOf(host: string, env: NodeJS.ProcessEnv): { url: string } & buildConnector.BuildOptions {
  const socketPath = /^unix:\/\/(\/.*)$/.exec(host)?.[1];
  if (socketPath !== undefined) return { url: 'http://docker', socketPath };
  const address = /^(?:tcp|https?):\/\/(.+)$/.exec(host)?.[1];
  if (address === undefined) {
    throw new Undetermined(`the Docker engine at ${host} cannot be asked`, {
      hint: 'DOCKER_HOST may be unix:///path or tcp://host:port; through SSH: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, and DOCKER_HOST=unix:///tmp/docker.sock',
    });
  }
  if (!env.DOCKER_TLS_VERIFY && !host.startsWith('https:')) return { url: `http://${address}` };
  return { url: `https://${address}`, ...certificates(env) };
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
    throw new Undetermined(`what answers at ${host} is no Docker engine: ${text.slice(0, 100)}`, {
      cause: error,
    });
  }
}

function refusal(status: number, text: string, { method = 'GET', path }: EngineRequest): EngineError {
  let message = text.trim();
  try {
    message = (JSON.parse(text) as { message: string }).message;
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
