import type { Collector, Figure } from './collector.ts';

const picks: readonly { field: string; title: string; unit: string }[] = [
  { field: 'uptime_in_seconds', title: 'up for', unit: 's' },
  { field: 'used_memory', title: 'memory', unit: 'bytes' },
  { field: 'maxmemory', title: 'memory limit (0: none)', unit: 'bytes' },
  { field: 'connected_clients', title: 'clients', unit: 'connections' },
  { field: 'blocked_clients', title: 'of them blocked', unit: 'connections' },
  { field: 'rejected_connections', title: 'refused connections since start', unit: 'connections' },
  { field: 'instantaneous_ops_per_sec', title: 'commands', unit: 'per second' },
  { field: 'total_commands_processed', title: 'commands since start', unit: 'commands' },
  { field: 'keyspace_hits', title: 'hits since start', unit: 'lookups' },
  { field: 'keyspace_misses', title: 'misses since start', unit: 'lookups' },
  { field: 'evicted_keys', title: 'evicted since start', unit: 'keys' },
  { field: 'expired_keys', title: 'expired since start', unit: 'keys' },
];

export const redisInfo: Collector = {
  id: 'redis-info',
  title: 'cache',
  unit: 'mixed',
  help:
    'Evicted keys are lockouts, rate counters and revocations that were forgotten early. ' +
    'A short uptime means that the cache was restarted and forgot all that was not saved.',
  async collect({ environment }) {
    const info = await environment.withRedis((redis) => redis.info());
    return { figures: redisFigures(info) };
  },
};

export function redisFigures(info: Readonly<Record<string, string>>): Figure[] {
  const hits = numberAt(info, 'keyspace_hits');
  const misses = numberAt(info, 'keyspace_misses');
  const lookups = (hits ?? 0) + (misses ?? 0);
  return [
    { name: 'version', title: 'version', value: info.redis_version ?? null, unit: 'version' },
    ...picks.map(({ field, title, unit }) => ({ name: field, title, value: numberAt(info, field), unit })),
    {
      name: 'hit_rate',
      title: 'hit rate since start',
      value: hits === null || lookups === 0 ? null : hits / lookups,
      unit: 'share',
    },
  ];
}

function numberAt(info: Readonly<Record<string, string>>, field: string): number | null {
  const text = info[field];
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}
