import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../../lifecycle/errors.ts';
import type { Backend } from '../backend.ts';

export function rootRoutes(app: FastifyInstance, { metrics, config }: Backend): void {
  app.get('/', async () => ({ message: 'Exam platform API' }));
  app.get('/health', async () => ({ status: 'ok' }));
  if (config.revision === 'R1') return;
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text()),
  );
}

export function healthRoutes(app: FastifyInstance, { cache, config }: Backend): void {
  app.get('/health', async () => ({ status: 'ok' }));

  // Always 200, as on the platform: only the body tells.
  app.get('/ready', async (request) => {
    const [db, redis] = await Promise.all([
      check('down', () => request.database.query('SELECT 1')),
      check('degraded', () => cache.call('PING')),
    ]);
    const withoutRedis = config.redisRequired === true ? 'down' : 'degraded';
    const status = db.status !== 'ok' ? 'down' : redis.status !== 'ok' ? withoutRedis : 'ok';
    return { status, checks: { db, redis }, request_id: request.requestId };
  });
}

async function check(failed: 'down' | 'degraded', ask: () => Promise<unknown>) {
  try {
    await ask();
    return { status: 'ok', message: null };
  } catch (error) {
    return { status: failed, message: messageOf(error) };
  }
}
