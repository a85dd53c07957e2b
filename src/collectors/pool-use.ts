import type { Environment } from '../lifecycle/environment.ts';
import { workersPerInstance } from '../platforms/workers.ts';

export interface ConnectionGroup {
  readonly application: string;
  /** as in pg_stat_activity; "hidden" where the user may not see it */
  readonly state: string;
  readonly connections: number;
  /** opened by the backend's pool, judged by its application name */
  readonly pool: boolean;
}

export interface ServerConnections {
  readonly groups: readonly ConnectionGroup[];
  /** clients of all databases of the server, the asking one not counted */
  readonly serverConnections: number;
  readonly maxConnections: number;
}

export function readConnections(environment: Environment): Promise<ServerConnections> {
  return environment.withPostgres(async (postgres) => {
    const groups = await postgres.query<ConnectionGroup>(
      `SELECT application_name AS application, coalesce(state, 'hidden') AS state,
              count(*)::int AS connections, application_name LIKE ANY ($1) AS pool
         FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        GROUP BY application_name, state
        ORDER BY application_name, state`,
      [environment.platform.poolApplications],
    );
    const server = await postgres.query<{ connections: number; max: number }>(
      `SELECT count(*)::int AS connections, current_setting('max_connections')::int AS max
         FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    const { connections = 0, max = 0 } = server.rows[0] ?? {};
    return { groups: groups.rows, serverConnections: connections, maxConnections: max };
  });
}

export interface PoolCapacity {
  readonly workers: number;
  readonly perWorker: number;
  /** connections that the backend may open in all */
  readonly connections: number;
}

export async function poolCapacity(environment: Environment): Promise<PoolCapacity> {
  const instances = await environment.driver.instances();
  const backends = instances.filter(({ service }) => service === 'backend').length;
  const workers = backends * (await workersPerInstance(environment));
  const perWorker = environment.platform.poolPerWorker;
  return { workers, perWorker, connections: workers * perWorker };
}

export interface PoolUse {
  /** connections that the pool has open, at rest or in use */
  readonly open: number;
  /** of them, at work or in a transaction: the pool has lent these out, and only they are missing to others */
  readonly used: number;
  /** of those in use, waiting for the backend; one that is never given back ends up here */
  readonly idleInTransaction: number;
  /** in use, as a share of what the backend may open, 0..1; null when it may open none */
  readonly share: number | null;
  /** the same of the worker that uses most, where each has an application name of its own */
  readonly worstWorkerShare: number | null;
}

export function poolUse(groups: readonly ConnectionGroup[], capacity: PoolCapacity): PoolUse {
  const pool = groups.filter((group) => group.pool);
  const lent = pool.filter(({ state }) => state !== 'idle');
  const used = sum(lent);
  const applications = new Set(pool.map(({ application }) => application));
  const named = applications.size > 0 && !applications.has('') && applications.size <= capacity.workers;
  const usedBy = [...applications].map((name) => sum(lent.filter(({ application }) => application === name)));
  return {
    open: sum(pool),
    used,
    idleInTransaction: sum(lent.filter(({ state }) => state.startsWith('idle in transaction'))),
    share: capacity.connections === 0 ? null : used / capacity.connections,
    worstWorkerShare: named ? Math.max(...usedBy) / capacity.perWorker : null,
  };
}

function sum(groups: readonly ConnectionGroup[]): number {
  return groups.reduce((total, { connections }) => total + connections, 0);
}
