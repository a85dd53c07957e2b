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
      signal,
    }: {
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly token: string;
      readonly body?: unknown;
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
          signal,
        });
        const text = await answer.body.text();
        return {
          status: answer.statusCode,
          body: parseBody(text),
          retryAfterSeconds: retryAfterOf(answer.headers['retry-after']),
        };
      } catch {
        // Refused, reset or timed out: that is what the load run records; an abort is seen by its owner.
        return { status: 0, body: undefined, retryAfterSeconds: null };
      }
    },
    close: async () => (await opening).destroy(),
  };
}

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
