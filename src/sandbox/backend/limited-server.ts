import { createServer, type RequestListener, type Server } from 'node:http';

/** uvicorn --limit-concurrency */
const limitConcurrency = 200;
/** uvicorn --timeout-keep-alive */
const keepAliveTimeout = 5_000;

/** What is over the limit is turned away before the application: in plain text, unlogged and uncounted. */
export function createLimitedServer(handle: RequestListener): Server {
  let inFlight = 0;
  return createServer({ keepAliveTimeout }, (request, response) => {
    if (inFlight >= limitConcurrency) {
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
      response.end('Service Unavailable');
      return;
    }
    inFlight += 1;
    response.once('close', () => {
      inFlight -= 1;
    });
    handle(request, response);
  });
}
