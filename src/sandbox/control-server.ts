import { createServer, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../lifecycle/errors.ts';

/** "POST /services/:name/stop" -> what it answers; the names of the path come as arguments. */
export type ControlRoutes = Readonly<Record<string, (...names: string[]) => Promise<unknown>>>;

export class UnknownName extends Error {}

/** The supervisor's control: HTTP with JSON over a Unix socket in a folder that only the user can enter. */
export async function serveControl(socket: string, routes: ControlRoutes): Promise<Server> {
  const server = createServer(async (request, response) => {
    request.resume();
    try {
      const route = match(routes, request.method ?? '', request.url ?? '');
      if (route === undefined) return answer(response, 404, { error: `no ${request.method} ${request.url}` });
      answer(response, 200, (await route()) ?? {});
    } catch (error) {
      answer(response, error instanceof UnknownName ? 404 : 500, { error: messageOf(error) });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return server;
}

function match(routes: ControlRoutes, method: string, url: string): (() => Promise<unknown>) | undefined {
  const parts = url.split('/').map(decodeURIComponent);
  for (const [pattern, handler] of Object.entries(routes)) {
    const [wantedMethod, wantedPath = ''] = pattern.split(' ');
    const wanted = wantedPath.split('/');
    const fits = wanted.every((name, index) => name.startsWith(':') || name === parts[index]);
    if (method !== wantedMethod || wanted.length !== parts.length || !fits) continue;
    const names = parts.filter((_, index) => wanted[index]?.startsWith(':'));
    return () => handler(...names);
  }
  return undefined;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
