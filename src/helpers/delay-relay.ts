import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HelperDefinition } from './helper.ts';

/** Listens on `port` and hands on to `to` on the same host; what clients send arrives `milliseconds` later. */
export const delayRelay: HelperDefinition = {
  name: 'delay-relay',
  async run({ option, ready, signal }) {
    const milliseconds = Number(option('milliseconds'));
    // a client that has said all may still wait for answers
    const server = createServer({ allowHalfOpen: true }, (client) =>
      join(client, Number(option('to')), milliseconds),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(Number(option('port')), '0.0.0.0', resolve);
    });
    ready();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
};

function join(client: Socket, port: number, milliseconds: number): void {
  const target = createConnection({ host: '127.0.0.1', port, noDelay: true });
  client.setNoDelay(true);
  client.on('error', () => undefined);
  client.once('close', () => target.destroy());
  target.once('error', () => client.destroy());
  // its end is the client's too, after all that it said before
  target.pipe(client);
  handOn(client, target, milliseconds);
}

/** Each piece as much later as it came, in order, however many are under way. */
function handOn(client: Socket, target: Socket, milliseconds: number): void {
  let last = Promise.resolve();
  const later = (action: () => void) => {
    const due = performance.now() + milliseconds;
    last = last.then(async () => {
      await sleep(Math.max(0, due - performance.now()));
      if (target.destroyed) client.destroy();
      else action();
    });
  };
  client.on('data', (piece) => later(() => target.write(piece)));
  client.once('end', () => later(() => target.end()));
}
