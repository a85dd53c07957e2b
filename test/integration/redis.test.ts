import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRedis } from '../../src/adapters/redis.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { startTestServices, type TestServices } from '../support/services.ts';

async function failureOf(promise: Promise<unknown>): Promise<Undetermined> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof Undetermined)) throw new Error(`expected Undetermined, got ${error}`);
  return error;
}

describe('a cache that runs', () => {
  let services: TestServices;
  beforeAll(async () => {
    services = await startTestServices();
  });
  afterAll(() => services.stop());

  test('answers PING and tells its figures', async () => {
    const withRedis = openRedis(services.redisUrl);
    await withRedis((redis) => redis.ping());
    const info = await withRedis((redis) => redis.info());
    expect(info.redis_version).toMatch(/^\d+\.\d+/);
    expect(Number(info.used_memory)).toBeGreaterThan(0);
  });

  test('keeps what is written and closes each connection', async () => {
    const withRedis = openRedis(services.redisUrl);
    await withRedis((redis) => redis.call('SET', 'redis-test:key', 7));
    expect(await withRedis((redis) => redis.call('GET', 'redis-test:key'))).toBe('7');
    const clients = await withRedis((redis) => redis.call('CLIENT', 'LIST'));
    expect(String(clients).match(/name=examctl/g)).toHaveLength(1);
  });

  test('says which command it refused, and not with what', async () => {
    const error = await failureOf(
      openRedis(services.redisUrl)((redis) => redis.call('CONFIG', 'SET', 'no-such-thing', 'topsecret')),
    );
    expect(error.message).toContain('did not carry out CONFIG');
    expect(error.message).not.toContain('topsecret');
  });

  test('refuses a wrong password without repeating it', async () => {
    const url = new URL(services.redisUrl);
    url.password = 'wrong-and-secret';
    const error = await failureOf(openRedis(url.href)((redis) => redis.ping()));
    expect(error.message).toContain('refuses the login');
    expect(`${error.message} ${error.hint} ${error.cause}`).not.toContain('wrong-and-secret');
  });
});

describe('a cache that does not', () => {
  test('is unreachable at once, named by host and port, when nothing listens', async () => {
    const error = await failureOf(openRedis('redis://:hush-hush@127.0.0.1:1/0')((redis) => redis.ping()));
    expect(error.message).toContain('127.0.0.1:1 cannot be reached');
    expect(error.message).toContain('ECONNREFUSED');
    expect(`${error.message} ${error.hint}`).not.toContain('hush-hush');
  });

  describe('because it hangs', () => {
    let server: Server;
    beforeAll(async () => {
      server = createServer(() => undefined);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => server.close());

    test('is given up after seconds, not minutes', async () => {
      const { port } = server.address() as { port: number };
      const error = await failureOf(openRedis(`redis://:x@127.0.0.1:${port}/0`)((redis) => redis.ping()));
      expect(error.message).toContain('no answer in 2 s');
    });
  });

  test('has a URL that is none', () => {
    expect(() => openRedis('not a url')).toThrow(Undetermined);
  });
});
