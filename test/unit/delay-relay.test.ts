import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { listeningPorts } from '../../src/adapters/listening-ports.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import { delayRelay } from '../../src/helpers/delay-relay.ts';

const servers: Server[] = [];
let abort = new AbortController();
afterEach(() => {
  abort.abort();
  abort = new AbortController();
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server, host: string): Promise<number> {
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Its port. */
async function relayTo(to: number, milliseconds: number): Promise<number> {
  const [port = 0] = await freePorts(1);
  const options: Record<string, string> = { port: `${port}`, to: `${to}`, milliseconds: `${milliseconds}` };
  const work = { option: (name: string) => options[name] ?? '', signal: abort.signal };
  const environment = () => Promise.reject(new Error('it needs none'));
  await new Promise<void>((ready, reject) => {
    delayRelay.run({ ...work, environment, ready }).catch(reject);
  });
  return port;
}

it('a client that has said all before its answer comes gets the answer, delayed', async () => {
  const whole = createServer({ allowHalfOpen: true }, async (socket) => {
    let letters = 0;
    socket.on('data', (piece) => {
      letters += piece.length;
    });
    socket.once('end', () => socket.end(`${letters} letters`));
  });
  const port = await relayTo(await listening(whole, '127.0.0.1'), 150);
  const began = performance.now();
  const client = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
  client.end('x'.repeat(100_000));
  expect(await text(client)).toBe('100000 letters');
  expect(performance.now() - began).toBeGreaterThan(140);
});

it('a client is told when nobody is there to answer', async () => {
  const port = await relayTo((await freePorts(1))[0] ?? 0, 10);
  const client = createConnection({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  client.write('hello');
  await once(client, 'close');
});

it.runIf(process.platform === 'linux')(
  'a port counts when others than the machine itself reach it',
  async () => {
    const own = await listening(createServer(), '127.0.0.1');
    const all = await listening(createServer(), '0.0.0.0');
    const six = await listening(createServer(), '::');
    const found = listeningPorts(process.pid);
    expect(found).toContain(all);
    expect(found).toContain(six);
    expect(found).not.toContain(own);
  },
);
