import { messageOf, OperationFailed } from '../lifecycle/errors.ts';
import type { SandboxConfig } from './config.ts';

const patience = 5_000;

/**
 * Whether it is our processes that answer on our ports: another sandbox that took one of them at the same moment
 * answers /health just as well, but does not know our signing key.
 */
export async function requireOwnParts(config: SandboxConfig, signal: AbortSignal): Promise<void> {
  const [{ request }, { mintTokens }, { sandboxAdmin }] = await Promise.all([
    import('undici'),
    import('./backend/tokens.ts'),
    import('./seed.ts'),
  ]);
  const [admin] = await mintTokens(config, [sandboxAdmin]);
  const asking = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  for (const port of [...config.ports.backend, config.ports.edge]) {
    const url = `http://127.0.0.1:${port}${config.basePath}/auth/me`;
    const status = await request(url, {
      headers: { authorization: `Bearer ${admin?.token}`, connection: 'close' },
      signal: asking,
    }).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return String(statusCode);
      },
      (error: unknown) => messageOf(error),
    );
    signal.throwIfAborted();
    if (status === '200') continue;
    throw new OperationFailed(
      `another program answers on port ${port}: ${status} for our own administrator`,
      {
        reverted: true,
        hint: 'examctl sandbox up, which takes other ports',
      },
    );
  }
}
