import { get } from 'node:http';

const checkEveryMs = 500;
const checkTimeoutMs = 1_000;

export interface Upstream {
  /** "backend-1" */
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  /** as last seen, by a check or by a refused connection */
  up: boolean;
}

/** The workers behind the edge, and which of them are fit for requests. */
export class Upstreams {
  readonly #all: readonly Upstream[];
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: string, ports: readonly number[]) {
    this.#all = ports.map((port, index) => ({ instance: `backend-${index + 1}`, host, port, up: true }));
  }

  /** In the order to try: in turn those that are up; the others only when there is none. */
  candidates(): Upstream[] {
    this.#turn = (this.#turn + 1) % Math.max(this.#all.length, 1);
    const inTurn = [...this.#all.slice(this.#turn), ...this.#all.slice(0, this.#turn)];
    const up = inTurn.filter((upstream) => upstream.up);
    return [...up, ...inTurn.filter((upstream) => !upstream.up)];
  }

  async checkAll(): Promise<void> {
    await Promise.all(
      this.#all.map(async (upstream) => {
        upstream.up = await isHealthy(upstream);
      }),
    );
  }

  keepChecking(): void {
    this.#timer = setTimeout(async () => {
      await this.checkAll();
      if (this.#timer !== undefined) this.keepChecking();
    }, checkEveryMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Over a connection of its own: one that is kept open would not notice that nobody is accepting any more. */
function isHealthy({ host, port }: Upstream): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: '/health', agent: false, timeout: checkTimeoutMs });
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', () => resolve(false));
  });
}
