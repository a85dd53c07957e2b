import { Redis } from 'ioredis';
import { messageOf } from '../../lifecycle/errors.ts';
import type { Link } from './link.ts';
import { connectorOver } from './link-connector.ts';

const timeoutMs = 1_000;

/** Redis as the platform uses it: a refused connection fails at once, a hanging one after two times a second. */
export class Cache {
  readonly #redis: Redis;

  constructor(url: string, link: Link) {
    this.#redis = new Redis(url, {
      Connector: connectorOver(link),
      enableOfflineQueue: false,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      maxRetriesPerRequest: 1,
      retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    });
    let reported = '';
    this.#redis.on('error', (error) => {
      const message = messageOf(error);
      if (message !== reported) process.stderr.write(`redis: ${message}\n`);
      reported = message;
    });
    this.#redis.on('ready', () => {
      reported = '';
    });
  }

  async call(command: string, ...args: (string | number)[]): Promise<unknown> {
    try {
      return await this.#redis.call(command, ...args);
    } catch (error) {
      if (!hung(error)) throw error;
      return this.#redis.call(command, ...args);
    }
  }

  /** Counts up and renews the time to live in one step. */
  async count(key: string, seconds: number): Promise<number> {
    const script = "local n = redis.call('INCR', KEYS[1]) redis.call('EXPIRE', KEYS[1], ARGV[1]) return n";
    return Number(await this.call('EVAL', script, 1, key, seconds));
  }

  /** Waits for the first connection, but not longer than a call would. */
  async connected(): Promise<boolean> {
    if (this.#redis.status === 'ready') return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#redis.once('ready', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function hung(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
