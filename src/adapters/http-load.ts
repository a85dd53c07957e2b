import type { Dispatcher } from 'undici';
import { messageOf } from '../lifecycle/errors.ts';
import { dispatcherTo } from './network-way.ts';
import { parsedOrText } from './parsed-or-text.ts';

/** Requests of virtual students. No answer is an answer, too: status 0, as a load run counts it instead of failing. */
export function openLoadHttp({
  baseUrl,
  connections,
  timeoutSeconds,
  env = {},
}: {
  readonly baseUrl: string;
  readonly connections: number;
  readonly timeoutSeconds: number;
  /** names proxies and certificates */
  readonly env?: Readonly<Record<string, string | undefined>>;
}) {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/$/, '');
  const timeout = timeoutSeconds * 1000;
  const opening = dispatcherTo(baseUrl, env, {
    connections,
    pipelining: 1,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: { timeout },
  });
  // who asks is told
  opening.catch(() => undefined);
  return {
    request: async ({
      method,
      path,
      token,
      body,
      giveUpMs,
      signal,
    }: {
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly token: string;
      readonly body?: unknown;
      readonly giveUpMs?: number;
      readonly signal: AbortSignal;
    }) => {
      const dispatcher = await opening;
      const headers: Record<string, string> = { authorization: `Bearer ${token}` };
      if (body !== undefined) headers['content-type'] = 'application/json';
      const exchange = {
        origin,
        method,
        path: `${prefix}${path}`,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      };
      return new Promise<Answer>((resolve) => {
        const handler = new Exchange(resolve, exchangesUnder(signal));
        if (giveUpMs !== undefined) setTimeout(() => handler.abort(), giveUpMs).unref();
        if (signal.aborted) handler.abort();
        dispatcher.dispatch(exchange, handler);
      });
    },
    close: async () => (await opening).destroy(),
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterSeconds: number | null;
  readonly unsent?: true;
  readonly requestId?: string;
}

const exchanges = new WeakMap<AbortSignal, Set<Exchange>>();

/** What is on its way and ends with a signal: one listener, since one for each request takes longer than the request. */
function exchangesUnder(signal: AbortSignal): Set<Exchange> {
  const known = exchanges.get(signal);
  if (known !== undefined) return known;
  const under = new Set<Exchange>();
  exchanges.set(signal, under);
  signal.addEventListener('abort', () => {
    for (const exchange of under) exchange.abort();
  });
  return under;
}

const noAnswer: Answer = { status: 0, body: undefined, retryAfterSeconds: null };

/** By undici's own events: a stream for each body would take as long as the request itself. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #under: Set<Exchange>;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  #retryAfter: number | null = null;
  #requestId: string | undefined;
  #chunks: Buffer[] = [];

  constructor(resolve: (answer: Answer) => void, under: Set<Exchange>) {
    this.#resolve = resolve;
    this.#under = under.add(this);
  }

  /** At once, also while the connection is still being made: nobody waits for that any longer. */
  abort(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error('given up'));
    this.#end(noAnswer);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#retryAfter = retryAfterOf(headers['retry-after']);
    this.#requestId = [headers['x-request-id']].flat()[0];
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const whole = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first;
    this.#end({
      status: this.#status,
      body: parsedOrText(whole?.toString('utf8') ?? ''),
      retryAfterSeconds: this.#retryAfter,
      ...(this.#requestId !== undefined && { requestId: this.#requestId }),
    });
  }

  /** Refused, reset or timed out: that is what the load run records; an abort is seen by its owner. */
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const isUnsent = noSocket.has((error as NodeJS.ErrnoException).code ?? '');
    const answer = { ...noAnswer, body: messageOf(error) };
    this.#end(isUnsent ? { ...answer, unsent: true } : answer);
  }

  #end(answer: Answer): void {
    this.#under.delete(this);
    this.#resolve(answer);
  }
}

/** Of this machine: too many open files, no port left, no buffers. */
const noSocket: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']);

/** Seconds, from either form of the header. */
function retryAfterOf(header: string | string[] | undefined): number | null {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
