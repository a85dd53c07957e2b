import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, call, newSession, scene, student, submit, useScene } from '../support/exam-scene.ts';
import { listening, type Relay, relayTo } from '../support/relay.ts';
import { type Platform, startEdge, startPlatform } from '../support/sandbox-platform.ts';
import { send, statusOf } from '../support/send.ts';

useScene();

describe('the edge', () => {
  it('sends requests to the workers that are left when one is killed, without an error', async () => {
    const owner = student();
    const session = await newSession(owner);
    scene.platform.kill('backend-1');
    await expect.poll(() => statusOf(`${scene.platform.workerAddress(1)}/health`)).toBe(0);
    const statuses = [];
    for (let number = 0; number < 10; number += 1) {
      statuses.push((await answer(owner, session.id, session.questionIds[number] ?? '', 1)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    scene.platform.kill('backend-2');
    await expect.poll(() => statusOf(`${scene.platform.workerAddress(2)}/health`)).toBe(0);
    expect(await call('GET', '/health')).toMatchObject({ status: 502, body: 'Bad Gateway' });
    await Promise.all([scene.platform.restart('backend-1'), scene.platform.restart('backend-2')]);
    await expect.poll(async () => (await call('GET', '/health')).status).toBe(200);
    const line = scene.platform
      .log('edge')
      .split('\n')
      .find((text) => text.includes('/answer'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      method: 'POST',
      status: 200,
      upstream: expect.any(String),
    });
  });

  it('never repeats a request that a worker may have got', async () => {
    const received: string[] = [];
    const vanishing = createServer((socket) =>
      socket.on('data', (data) => {
        received.push(data.toString());
        if (data.toString().includes('/answer')) socket.destroy();
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
      }),
    );
    const port = await listening(vanishing);
    const config = {
      ...scene.platform.config,
      ports: { ...scene.platform.config.ports, backend: [port, port] },
    };
    const edge = await startEdge(config);
    try {
      const { status } = await send('POST', `${edge.address}/v1/sessions/x/answer`, { body: {} });
      expect(status).toBe(502);
      expect(received.filter((text) => text.includes('/answer'))).toHaveLength(1);
    } finally {
      await edge.stop();
      vanishing.close();
    }
  });
});

describe('without its neighbours', () => {
  let toDatabase: Relay;
  let toRedis: Relay;
  let lonely: Platform;

  beforeAll(async () => {
    toDatabase = await relayTo(scene.services.databaseUrl);
    toRedis = await relayTo(scene.services.redisUrl);
    lonely = await startPlatform({ workers: 1, databaseUrl: toDatabase.url, redisUrl: toRedis.url });
  });

  afterAll(async () => {
    await lonely.stop();
    await Promise.all([toDatabase.close(), toRedis.close()]);
  });

  it('answers on when Redis refuses connections, and recovers by itself', async () => {
    const address = lonely.workerAddress(1);
    toRedis.refuse();
    const owner = student();
    const session = await newSession(owner, {}, address);
    expect((await answer(owner, session.id, session.questionIds[0] ?? '', 1, address)).status).toBe(200);
    expect((await submit(owner, session.id, address)).status).toBe(200);
    const ready = await call('GET', '/ready', { address });
    expect(ready).toMatchObject({
      status: 200,
      body: { status: 'degraded', checks: { redis: { status: 'degraded' } } },
    });

    lonely.breakWith('rate-limit-fails-closed');
    await sleep(350);
    const another = student();
    const body = { year: 1, blocks: ['A'], count: 10 };
    const created = await call('POST', '/sessions', { token: another.token, body, address });
    expect(created).toMatchObject({ status: 429, body: { error_code: 'RATE_LIMITED' } });
    expect((await answer(owner, session.id, session.questionIds[0] ?? '', 1, address)).status).toBe(500);
    expect((await submit(owner, session.id, address)).status).toBe(429);
    lonely.breakWith();
    await sleep(350);

    await toRedis.accept();
    const recovered = async () => (await call('GET', '/ready', { address })).body.status;
    await expect.poll(recovered, { timeout: 120_000 }).toBe('ok');
  });

  it('takes two seconds for a submit when Redis hangs', async () => {
    const address = lonely.workerAddress(1);
    const owner = student();
    const session = await newSession(owner, {}, address);
    toRedis.hang(true);
    const started = performance.now();
    expect((await submit(owner, session.id, address)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(1_900);
    toRedis.hang(false);
  });

  it('stays healthy without its database, answers 500, and heals by itself', async () => {
    const address = lonely.workerAddress(1);
    const { token } = student();
    expect((await call('GET', '/auth/me', { token, address })).status).toBe(200);
    toDatabase.refuse();
    expect(await send('GET', `${address}/health`)).toMatchObject({ status: 200 });
    const failed = await call('GET', '/auth/me', { token, address });
    expect(failed).toMatchObject({ status: 500, body: { error_code: 'INTERNAL_ERROR' } });
    const ready = {
      status: 'down',
      checks: { db: { status: 'down', message: expect.stringContaining('127.0.0.1') } },
    };
    expect(await call('GET', '/ready', { address })).toMatchObject({ status: 200, body: ready });
    await toDatabase.accept();
    const recovered = async () => (await call('GET', '/auth/me', { token, address })).status;
    await expect.poll(recovered, { timeout: 120_000 }).toBe(200);
  });

  it('finishes what is under way when it is asked to end, and ends with its supervisor', async () => {
    const address = lonely.workerAddress(1);
    const slow = call('POST', '/admin/perf/debug/slow-sql?ms=800', { token: scene.admin, address });
    await sleep(300);
    const ended = lonely.end('backend-1', 'SIGTERM');
    expect((await slow).status).toBe(200);
    expect(await ended).toBe(0);
    expect(await lonely.end('edge', 'stdin')).toBe(0);
  });
});
