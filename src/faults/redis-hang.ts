import { lostWith, paused } from './changes.ts';
import { defineFault } from './fault.ts';

export const redisHang = defineFault({
  id: 'redis-hang',
  title: 'Redis is paused: it is there and answers nobody, which is worse than an outage',
  expectation: 'answers take seconds longer, and none is lost; all is well again by itself',
  nature: 'lasting',
  defaultSeconds: 30,
  maxSeconds: 120,
  parameters: [],
  toleratedErrorRate: 0.1,
  mayFail: [...lostWith.cache, 'read-works', 'health-root', 'health-api', 'ready-database'],
  stopIf: ['error_rate>0.9'],
  impact: 'each call to Redis holds its worker for two seconds, in which it answers nobody else',
  hits: () => 'every request that a worker has to serve meanwhile',
  unseen: () => 'the reads do not touch Redis; what it does to writing is seen by the load of a rehearsal',
  alternatives: ['network-cut', 'redis-outage'],
  needs: () => ({ kind: 'pause', service: 'cache' }),
  changes: async () => [paused('cache')],
});
