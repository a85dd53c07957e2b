import type { FastifyRequest } from 'fastify';

/**
 * The TCP peer: what an edge says in X-Forwarded-For is not trusted on the platform, so that everybody behind
 * the edge shares one address.
 */
export function clientAddress(request: FastifyRequest): string {
  return request.raw.socket.remoteAddress ?? 'unknown';
}
