import { lostWith, stopped } from './changes.ts';
import { defineFault } from './fault.ts';

export const redisOutage = defineFault({
  id: 'redis-outage',
  title: 'Redis is stopped',
  expectation: 'rate limits open, students go on: no 5xx, no 429, no lost answer',
  nature: 'lasting',
  defaultSeconds: 60,
  maxSeconds: 300,
  parameters: [],
  toleratedErrorRate: 0.02,
  mayFail: lostWith.cache,
  stopIf: ['error_rate>0.5'],
  impact: 'rate limiting is off and token refresh is refused while Redis is away',
  hits: () => 'every request that counts against a rate limit, and sign-ins',
  unseen: () => 'the reads do not touch Redis; what it does to writing is seen by the load of a rehearsal',
  alternatives: ['network-cut'],
  needs: () => ({ kind: 'service', service: 'cache' }),
  changes: async () => [stopped('cache')],
});
