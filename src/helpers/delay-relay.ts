import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HelperDefinition } from './helper.ts';

/** After it was asked to end, so long at most for exchanges that are under way. */
const drainMs = 1_000;
/** An answer has all been handed on when nothing more of it came for so long. */
const quietMs = 20;

/**
 * Listens on `port` and hands on to `to` on the same host; what clients send arrives `milliseconds` later. Asked to end by
 * SIGTERM, it closes each connection as soon as the target has answered on it: who asks just then is not to lose an answer.
 */
export const delayRelay: HelperDefinition = {
  name: 'delay-relay',
  async run({ option, ready, signal }) {
    const relayed = new Set<RelayedConnection>();
    // a client that has said all may still wait for answers
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const connection = new RelayedConnection(client, Number(option('to')), Number(option('milliseconds')));
      relayed.add(connection);
      client.once('close', () => relayed.delete(connection));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(Number(option('port')), '0.0.0.0', resolve);
    });
    const asked = new Promise((resolve) => process.once('SIGTERM', resolve));
    ready();
    await Promise.race([
      asked,
      new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
    ]);
    server.close();
    await Promise.race([Promise.all([...relayed].map((connection) => connection.drained())), sleep(drainMs)]);
  },
};

class RelayedConnection {
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #milliseconds: number;
  #last = Promise.resolve();
  /** pieces of the client that the target does not have yet */
  #underWay = 0;
  /** the client said something after the target did */
  #awaitsAnswer = false;
  #heardAt = 0;

  constructor(client: Socket, port: number, milliseconds: number) {
    this.#client = client;
    this.#milliseconds = milliseconds;
    const target = createConnection({ host: '127.0.0.1', port, noDelay: true });
    this.#target = target;
    client.setNoDelay(true);
    client.on('error', () => undefined);
    client.once('close', () => target.destroy());
    target.once('error', () => client.destroy());
    target.on('data', () => {
      this.#awaitsAnswer = false;
      this.#heardAt = performance.now();
    });
    // its end is the client's too, after all that it said before
    target.pipe(client);
    client.on('data', (piece) => {
      this.#awaitsAnswer = true;
      this.#later(() => target.write(piece));
    });
    client.once('end', () => this.#later(() => target.end()));
  }

  /** Closes it once nothing is under way. */
  async drained(): Promise<void> {
    const isBusy = () =>
      this.#underWay > 0 || this.#awaitsAnswer || performance.now() - this.#heardAt < quietMs;
    while (!this.#client.destroyed && isBusy()) await sleep(quietMs / 4);
    this.#client.destroy();
  }

  /** Each piece as much later as it came, in order, however many are under way. */
  #later(action: () => void): void {
    const due = performance.now() + this.#milliseconds;
    this.#underWay += 1;
    this.#last = this.#last.then(async () => {
      await sleep(Math.max(0, due - performance.now()));
      this.#underWay -= 1;
      if (this.#target.destroyed) this.#client.destroy();
      else action();
    });
  }
}
