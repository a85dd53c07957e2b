import type { Redis as Client } from 'ioredis';
import type { Environment, Redis } from '../lifecycle/environment.ts';
import { ExamctlError, messageOf, Undetermined } from '../lifecycle/errors.ts';
import { withhold } from '../lifecycle/redact.ts';

/** Milliseconds. A hung Redis accepts connections and never answers, so both are needed. */
const connectTimeout = 2_000;
const commandTimeout = 5_000;

/** Gives the environment's `withRedis`: one connection a use, made when used and closed afterwards. */
export function openRedis(url: string): Environment['withRedis'] {
  const place = placeOf(url);
  withhold(url);
  // ioredis decodes the password, which may have a % on its own
  const decodable = url.replace(/%(?![0-9a-f]{2})/gi, '%25');
  return async (use) => {
    const client = await connect(decodable, place);
    try {
      return await use(redisPort(client, place));
    } finally {
      client.disconnect();
    }
  };
}

async function connect(url: string, place: string): Promise<Client> {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, {
    lazyConnect: true,
    connectionName: 'examctl',
    // RESP2 without CLIENT SETINFO: understood by every Redis, and nothing is asked of one that is ill.
    protocol: 2,
    disableClientInfo: true,
    enableReadyCheck: false,
    connectTimeout,
    commandTimeout,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  });
  let lastError: unknown;
  // Without a listener ioredis prints each error; connect() itself only says that the connection is closed.
  client.on('error', (error) => {
    lastError = error;
  });
  try {
    await inTime(client.connect());
    return client;
  } catch (error) {
    client.disconnect();
    throw unreachable(place, lastError ?? error);
  }
}

/** A hung server accepts the connection and leaves the login without an answer, which connectTimeout does not cover. */
async function inTime(connecting: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${connectTimeout / 1_000} s`)), connectTimeout);
  });
  try {
    await Promise.race([connecting, late]);
  } finally {
    clearTimeout(timer);
    connecting.catch(() => undefined);
  }
}

function redisPort(client: Client, place: string): Redis {
  const call = async (command: string, ...args: (string | number)[]): Promise<unknown> => {
    try {
      return await client.call(command, ...args.map(String));
    } catch (error) {
      if (error instanceof ExamctlError) throw error;
      // The arguments stay out of it: they may be secrets (AUTH, CONFIG SET requirepass).
      throw new Undetermined(`Redis at ${place} did not carry out ${command}: ${messageOf(error)}`, {
        hint: `redis-cli -h ${place.replace(':', ' -p ')} ping`,
        cause: error,
      });
    }
  };
  return {
    call,
    async ping() {
      await call('PING');
    },
    async info() {
      return parseInfo(String(await call('INFO')));
    },
  };
}

/** "used_memory:1024" lines under "# Memory" headings. */
export function parseInfo(text: string): Record<string, string> {
  const info: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) info[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return info;
}

function unreachable(place: string, error: unknown): Undetermined {
  const code = messageOf(error);
  const refusedLogin = /^(WRONGPASS|NOAUTH)/.test(code);
  return new Undetermined(
    refusedLogin
      ? `Redis at ${place} refuses the login of the configured URL`
      : `Redis at ${place} cannot be reached: ${code}`,
    {
      hint: refusedLogin
        ? 'check the user and password in cache.url of examctl.yaml'
        : `check that the cache runs (of a sandbox: examctl sandbox status) and that ${place} is right: cache.url in examctl.yaml`,
    },
  );
}

function placeOf(url: string): string {
  try {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port || 6379}`;
  } catch {
    throw new Undetermined('the URL of the cache is not a URL', {
      hint: 'cache.url in examctl.yaml reads redis://[user:password@]host:port[/database]',
    });
  }
}
