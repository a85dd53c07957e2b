import type pg from 'pg';
import { messageOf } from '../../lifecycle/errors.ts';
import type { ActiveDefects } from './active-defects.ts';

const everyMs = 1_000;
const atMost = 17;

/** The defect connection-leak: sessions that are opened, used once and forgotten, as idle transactions. */
export function leakConnections(pool: pg.Pool, defects: ActiveDefects): { close(): void } {
  const leaked = new Map<pg.PoolClient, (error: Error) => void>();

  const giveBack = (client: pg.PoolClient, problem?: Error) => {
    const onError = leaked.get(client);
    if (onError === undefined || !leaked.delete(client)) return;
    client.off('error', onError);
    client.release(problem ?? true);
  };
  const leakOne = async () => {
    const client = await pool.connect();
    const onError = (error: Error) => giveBack(client, error);
    leaked.set(client, onError);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      await client.query('SELECT 1');
    } catch (error) {
      giveBack(client, error as Error);
      throw error;
    }
  };

  let leaking = false;
  const timer = setInterval(() => {
    if (!defects.isOn('connection-leak')) {
      for (const client of leaked.keys()) giveBack(client);
      return;
    }
    if (leaking || leaked.size >= atMost) return;
    leaking = true;
    leakOne()
      .catch((error) => process.stderr.write(`no connection to leak: ${messageOf(error)}\n`))
      .finally(() => {
        leaking = false;
      });
  }, everyMs).unref();
  return {
    close() {
      clearInterval(timer);
      for (const client of leaked.keys()) giveBack(client);
    },
  };
}
