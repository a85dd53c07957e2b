/** Requests of virtual students. No answer is an answer, too: status 0, as a load run counts it instead of failing. */
export function openLoadHttp({
  baseUrl,
  connections,
  timeoutSeconds,
}: {
  readonly baseUrl: string;
  readonly connections: number;
  readonly timeoutSeconds: number;
}) {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.replace(/\/$/, '');
  const timeout = timeoutSeconds * 1000;
  const opening = import('undici').then(
    ({ Pool }) =>
      new Pool(origin, {
        connections,
        pipelining: 1,
        headersTimeout: timeout,
        bodyTimeout: timeout,
        connect: { timeout },
      }),
  );
  return {
    request: async ({
      method,
      path,
      token,
      body,
      giveUpMs,
      signal,
    }: {
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly token: string;
      readonly body?: unknown;
      readonly giveUpMs?: number;
      readonly signal: AbortSignal;
    }) => {
      const pool = await opening;
      try {
        const answer = await pool.request({
          method,
          path: `${prefix}${path}`,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          body: body === undefined ? null : JSON.stringify(body),
          signal: giveUpMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(giveUpMs)]),
        });
        const text = await answer.body.text();
        return {
          status: answer.statusCode,
          body: parseBody(text),
          retryAfterSeconds: retryAfterOf(answer.headers['retry-after']),
        };
      } catch (error) {
        // Refused, reset or timed out: that is what the load run records; an abort is seen by its owner.
        const none = { status: 0, body: undefined, retryAfterSeconds: null };
        return noSocket.has((error as NodeJS.ErrnoException).code ?? '')
          ? { ...none, unsent: true as const }
          : none;
      }
    },
    close: async () => (await opening).destroy(),
  };
}

/** Of this machine: too many open files, no port left, no buffers. */
const noSocket: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']);

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Seconds, from either form of the header. */
function retryAfterOf(header: string | string[] | undefined): number | null {
  const value = Array.isArray(header) ? header[0] : header;
  if (value === undefined) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
