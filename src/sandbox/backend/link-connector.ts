import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { Link } from './link.ts';
import { LinkSocket } from './link-socket.ts';

/** Connects a Redis client over the link. */
export function connectorOver(link: Link): new (options: unknown) => AbstractConnector {
  return class LinkConnector extends AbstractConnector {
    readonly #options: RedisOptions;

    constructor(options: unknown) {
      const given = options as RedisOptions;
      super(given.disconnectTimeout ?? 0);
      this.#options = given;
    }

    override async connect() {
      this.connecting = true;
      const { host = '127.0.0.1', port = 6379 } = this.#options;
      const socket = new LinkSocket(link).connect({ host, port });
      socket.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = socket;
      return socket;
    }
  };
}
