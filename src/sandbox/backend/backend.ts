import type pg from 'pg';
import type { SandboxConfig } from '../config.ts';
import { watchDisturbances } from '../disturbances.ts';
import { type ActiveDefects, watchDefects } from './active-defects.ts';
import { Cache } from './cache.ts';
import { leakConnections } from './connection-leak.ts';
import { Database, openPool } from './database.ts';
import { Flags } from './flags.ts';
import { linkBetween } from './link.ts';
import { Metrics } from './metrics.ts';

/** One worker process of the platform. */
export interface Backend {
  readonly config: SandboxConfig;
  readonly signingKey: Uint8Array;
  readonly pool: pg.Pool;
  /** for work that belongs to no request, or whose queries the platform does not count */
  readonly uncounted: Database;
  readonly cache: Cache;
  readonly flags: Flags;
  readonly defects: ActiveDefects;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

export function openBackend(config: SandboxConfig, instance: string): Backend {
  const disturbances = watchDisturbances(config.folder);
  const pool = openPool(config.databaseUrl, {
    applicationName: `examplatform-${instance}`,
    link: linkBetween('backend', 'database', disturbances),
  });
  const uncounted = new Database(pool, () => undefined);
  const cache = new Cache(config.redisUrl, linkBetween('backend', 'cache', disturbances));
  const defects = watchDefects(config.folder);
  const leak = leakConnections(pool, defects);
  return {
    config,
    signingKey: new TextEncoder().encode(config.jwtSigningKey),
    pool,
    uncounted,
    cache,
    flags: new Flags(uncounted),
    defects,
    metrics: new Metrics(),
    async close() {
      defects.close();
      leak.close();
      cache.close();
      await pool.end();
      disturbances.close();
    },
  };
}
