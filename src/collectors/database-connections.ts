import { attempt, had } from '../probes/attempt.ts';
import type { Collector } from './collector.ts';
import { poolCapacity, poolUse, readConnections } from './pool-use.ts';

export const databaseConnections: Collector = {
  id: 'database-connections',
  title: 'database connections',
  unit: 'connections',
  help:
    'The pool is exhausted when all of it is in use: requests then wait up to 30 s and fail. ' +
    'The server has a limit of its own, max_connections, which all its clients share.',
  async collect({ environment }) {
    const seen = await attempt(() => poolCapacity(environment));
    // SQL tells who is connected; of how many the pool may have, only the services do
    const capacity = had(seen) ?? { workers: 0, perWorker: 0, connections: 0 };
    const { groups, serverConnections, maxConnections } = await readConnections(environment);
    const use = poolUse(groups, capacity);
    return {
      figures: [
        { name: 'pool_open', title: 'open by the pool', value: use.open, unit: 'connections' },
        { name: 'pool_used', title: 'of them in use', value: use.used, unit: 'connections' },
        {
          name: 'pool_idle_in_transaction',
          title: 'of those idle in a transaction',
          value: use.idleInTransaction,
          unit: 'connections',
        },
        {
          name: 'pool_capacity',
          title:
            'problem' in seen
              ? `pool capacity: not known, ${seen.problem}`
              : `pool capacity (${capacity.workers} workers of ${capacity.perWorker})`,
          value: 'problem' in seen ? null : capacity.connections,
          unit: 'connections',
        },
        { name: 'pool_share', title: 'share of the pool in use', value: use.share, unit: 'share' },
        {
          name: 'pool_worst_worker_share',
          title: 'share of the busiest worker',
          value: use.worstWorkerShare,
          unit: 'share',
        },
        {
          name: 'server_connections',
          title: 'clients of the server',
          value: serverConnections,
          unit: 'connections',
        },
        { name: 'max_connections', title: 'limit of the server', value: maxConnections, unit: 'connections' },
        {
          name: 'server_share',
          title: 'share of the server',
          value: maxConnections === 0 ? null : serverConnections / maxConnections,
          unit: 'share',
        },
      ],
      tables: [
        {
          name: 'by_application_and_state',
          title: 'by application and state',
          columns: ['application', 'state', 'connections', 'pool'],
          rows: groups.map(({ application, state, connections, pool }) => [
            application === '' ? '(none)' : application,
            state,
            connections,
            pool ? 'yes' : 'no',
          ]),
        },
      ],
    };
  },
};
