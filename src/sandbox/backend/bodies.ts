import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalid } from './errors.ts';

const megabyte = 1024 * 1024;
const bodyLimit = 2 * megabyte;
export const importBodyLimit = 10 * megabyte;
/** Up to here a body is read before it is refused: who still sends when the connection is closed loses the answer. */
export const readLimit = 64 * megabyte;

export class TooLarge extends Error {}

/** An empty body is none, whatever its type; what cannot be read is a validation error. */
export function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    async (request: FastifyRequest, text: string) => {
      checkSize(request, text);
      if (text.trim() === '') return undefined;
      try {
        return JSON.parse(text);
      } catch {
        throw invalid([{ field: 'body', issue: 'JSON decode error', type: 'json_invalid' }]);
      }
    },
  );
  app.addContentTypeParser('*', { parseAs: 'string' }, async (request: FastifyRequest, text: string) => {
    checkSize(request, text);
    return text === '' ? undefined : text;
  });
}

function checkSize(request: FastifyRequest, text: string): void {
  if (Buffer.byteLength(text) > (request.routeOptions.config.bodyLimit ?? bodyLimit)) throw new TooLarge();
}
