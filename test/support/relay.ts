import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a service that can be cut without touching the service. */
export interface Relay {
  readonly url: string;
  refuse(): void;
  accept(): Promise<void>;
  hang(hanging: boolean): void;
  /** as a firewall that forgot the connections; new ones are taken */
  reset(): void;
  close(): Promise<void>;
}

export async function relayTo(target: string): Promise<Relay> {
  const url = new URL(target);
  const port = Number(url.port);
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.once('close', () => {
        sockets.delete(end);
        socket.destroy();
        onward.destroy();
      });
      end.on('error', () => end.destroy());
      if (hanging) end.pause();
    }
    socket.pipe(onward).pipe(socket);
  });
  url.port = String(await listening(server));
  const refuse = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    refuse,
    accept: async () => {
      await listening(server, Number(url.port));
    },
    hang(wanted) {
      hanging = wanted;
      for (const socket of sockets) wanted ? socket.pause() : socket.resume();
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      refuse();
    },
  };
}

export function listening(server: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
