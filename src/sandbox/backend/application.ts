import { randomUUID } from 'node:crypto';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { Backend } from './backend.ts';
import { parseBodies, readLimit, TooLarge } from './bodies.ts';
import { Database } from './database.ts';
import { ApiError, errorBody } from './errors.ts';
import { createLimitedServer } from './limited-server.ts';
import { logTraceback } from './log.ts';
import { recordPerformance } from './perf-log.ts';
import {
  type FinishedRequest,
  isHealthPath,
  logRequestEnd,
  logRequestStart,
  logSlowQuery,
  rounded,
} from './request-log.ts';
import { registerRoutes } from './routes/index.ts';
import type { User } from './users.ts';

declare module 'fastify' {
  interface FastifyRequest {
    requestId: string;
    /** milliseconds, as performance.now() */
    startedAt: number;
    database: Database;
    user: User | undefined;
    /** what was thrown that is no answer of the platform */
    unhandled: unknown;
  }
  interface FastifyContextConfig {
    template?: string;
    /** bytes, instead of the usual 2 MB */
    bodyLimit?: number;
  }
}

export function createApplication(backend: Backend): FastifyInstance {
  const app = fastify({
    bodyLimit: readLimit,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    serverFactory: createLimitedServer,
  });
  parseBodies(app);
  const allowed = rememberPaths(app);
  observeRequests(app, backend);
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(backend, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    allowed.some((path) => path.test(pathOf(request)))
      ? reply.code(405).send({ detail: 'Method Not Allowed' })
      : reply.code(404).send({ detail: 'Not Found' }),
  );
  registerRoutes(app, backend);
  return app;
}

function observeRequests(app: FastifyInstance, backend: Backend): void {
  const { revision, basePath } = backend.config;
  app.decorateRequest('requestId', '');
  app.decorateRequest('startedAt', 0);
  app.decorateRequest('user', undefined);
  app.decorateRequest('unhandled', undefined);

  app.addHook('onRequest', async (request) => {
    const given = request.headers['x-request-id'];
    request.requestId = typeof given === 'string' && given !== '' ? given : randomUUID();
    request.startedAt = performance.now();
    request.database = new Database(backend.pool, (query) =>
      logSlowQuery(revision, request.requestId, query),
    );
    logRequestStart(revision, {
      requestId: request.requestId,
      method: request.method,
      path: pathOf(request),
    });
  });

  app.addHook('onSend', async (request, reply) => {
    if (request.unhandled !== undefined) return;
    const { queries, ms } = request.database;
    reply.headers({
      'X-Request-ID': request.requestId,
      'X-Response-Time-ms': String(rounded(performance.now() - request.startedAt)),
      'X-DB-Queries': String(queries),
      'X-DB-Time-ms': String(rounded(ms)),
      'Cache-Control': 'no-store',
      'X-Origin': 'api',
    });
  });

  app.addHook('onResponse', async (request, reply) => {
    const unhandled = request.unhandled !== undefined;
    const finished: FinishedRequest = {
      requestId: request.requestId,
      method: request.method,
      path: pathOf(request),
      route: request.routeOptions.config.template ?? null,
      status: unhandled ? null : reply.statusCode,
      ms: performance.now() - request.startedAt,
      queries: request.database.queries,
      queryMs: request.database.ms,
      user: request.user,
    };
    const health = isHealthPath(finished.path, basePath);
    const withoutRequestId = backend.defects.isOn('missing-audit-trail');
    logRequestEnd(finished, { revision, sampled: health, withoutRequestId });
    if (!health) recordPerformance(backend.uncounted, finished);
    if (unhandled) {
      logTraceback(request.unhandled);
      // uvicorn drops the connection after an exception, without announcing it
      request.raw.socket.destroySoon();
    } else {
      backend.metrics.observe(finished.method, finished.path, reply.statusCode, finished.ms / 1_000);
    }
  });
}

function answerError({ config }: Backend, error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const { requestId } = request;
  if (error instanceof TooLarge || error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const content = { code: 'PAYLOAD_TOO_LARGE', message: 'Request body too large', details: null };
    return reply.code(413).send({ error: { ...content, request_id: requestId } });
  }
  if (error instanceof ApiError) {
    const { status, code, message, details, headers } = error;
    return reply
      .code(status)
      .headers(headers)
      .send(errorBody(config.revision, { code, message, details, requestId }));
  }
  request.unhandled = error;
  const content = { code: 'INTERNAL_ERROR', message: 'Internal server error', details: null, requestId };
  return reply.code(500).send(errorBody(config.revision, content));
}

/** Tells 405 from 404, and the routes their templates for the log. */
function rememberPaths(app: FastifyInstance): RegExp[] {
  const paths: RegExp[] = [];
  app.addHook('onRoute', (route) => {
    const template = route.routePath.replace(/:(\w+)/g, '{$1}');
    route.config = { ...route.config, template };
    paths.push(new RegExp(`^${route.url.replace(/[.*]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`));
  });
  return paths;
}

function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query < 0 ? request.url : request.url.slice(0, query);
}
