import {
  Agent,
  createServer,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { runUntilAskedToStop } from './backend/lifetime.ts';
import { readPartArguments } from './backend/part-arguments.ts';
import { hostsOf } from './config.ts';
import { type Upstream, Upstreams } from './edge-upstreams.ts';

/** The reverse proxy in front of the workers; ends with its process. */
export async function runEdge(args: string[]): Promise<void> {
  const { config } = readPartArguments(args);
  const hosts = hostsOf(config);
  const upstreams = new Upstreams(hosts.backend, [...new Set(config.ports.backend)]);
  // less than the workers keep a connection open: who reuses one that is being closed loses a request
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256, timeout: 4_000 });
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
    new Exchange(request, response, upstreams, agent).start(),
  );
  let stop = async () => {};
  const stopped = runUntilAskedToStop(() => stop());
  await upstreams.checkAll();
  upstreams.keepChecking();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.ports.edge, hosts.listen, resolve);
  });
  stop = async () => {
    upstreams.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    agent.destroy();
  };
  await stopped;
}

/** One request and its way to a worker. */
class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #agent: Agent;
  readonly #candidates: Iterator<Upstream>;
  readonly #startedAt = performance.now();
  #upstream: Upstream | undefined;
  #problem: string | undefined;
  #requestId: string | string[] | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, upstreams: Upstreams, agent: Agent) {
    this.#request = request;
    this.#response = response;
    this.#agent = agent;
    this.#requestId = request.headers['x-request-id'];
    this.#candidates = upstreams.candidates()[Symbol.iterator]();
  }

  start(): void {
    this.#response.once('close', () => this.#log());
    this.#tryNext();
  }

  #tryNext(): void {
    const { value: upstream, done } = this.#candidates.next();
    if (done === true) {
      this.#answerBadGateway();
      return;
    }
    this.#upstream = upstream;
    const { method, url, headers, rawHeaders } = this.#request;
    const outgoing = openRequest({
      host: upstream.host,
      port: upstream.port,
      agent: this.#agent,
      method: method ?? 'GET',
      path: url ?? '/',
      headers: forwardedHeaders(rawHeaders, headers, this.#request.socket.remoteAddress),
    });
    let connected = false;
    let failed = false;
    outgoing.once('socket', (socket) => {
      const send = () => {
        connected = true;
        this.#request.pipe(outgoing);
      };
      // the body stays unread until there is someone to read it, so that another worker can still be tried
      if (socket.connecting) socket.once('connect', send);
      else send();
    });
    // more than one may come, and one that nobody listens to would end the edge
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (failed) return;
      failed = true;
      this.#problem = error.code ?? error.message;
      if (!connected && error.code === 'ECONNREFUSED') {
        upstream.up = false;
        this.#tryNext();
      } else if (this.#response.headersSent) this.#response.destroy();
      else this.#answerBadGateway();
    });
    outgoing.once('response', (incoming) => {
      this.#problem = undefined;
      this.#requestId ??= incoming.headers['x-request-id'];
      this.#response.writeHead(incoming.statusCode ?? 502, endToEndHeaders(incoming.rawHeaders));
      incoming.on('error', () => this.#response.destroy());
      incoming.pipe(this.#response);
    });
    this.#response.once('close', () => {
      if (!this.#response.writableFinished) outgoing.destroy();
    });
  }

  #answerBadGateway(): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(502, { 'Content-Type': 'text/plain; charset=utf-8' });
    this.#response.end('Bad Gateway');
    this.#request.resume();
  }

  #log(): void {
    const { method, url, socket } = this.#request;
    const line = {
      timestamp: new Date().toISOString(),
      event: 'access',
      method,
      path: url,
      // what a client that left early would have got is not known
      status: this.#response.headersSent ? this.#response.statusCode : null,
      duration_ms: Math.round((performance.now() - this.#startedAt) * 100) / 100,
      upstream: this.#upstream?.instance,
      problem: this.#problem,
      client: socket.remoteAddress,
      request_id: this.#requestId,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

/** They are between two neighbours only. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade']);

function endToEndHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    // Node frames the body anew
    if (!hopByHop.has(name.toLowerCase()) && name.toLowerCase() !== 'transfer-encoding')
      kept.push(name, value);
  }
  return kept;
}

function forwardedHeaders(
  rawHeaders: readonly string[],
  headers: IncomingMessage['headers'],
  client: string | undefined,
): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = headers[name];
    if (!hopByHop.has(name) && value !== undefined) forwarded[name] = value;
  }
  const before = headers['x-forwarded-for'];
  forwarded['x-forwarded-for'] = before === undefined ? (client ?? '') : `${before}, ${client}`;
  forwarded['x-forwarded-proto'] ??= 'http';
  return forwarded;
}
