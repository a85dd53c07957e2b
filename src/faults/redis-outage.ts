import { defineFault } from './fault.ts';

export const redisOutage = defineFault({
  id: 'redis-outage',
  title: 'Redis is stopped',
  expectation: 'rate limits open, students go on: no 5xx, no 429, no lost answer',
  nature: 'lasting',
  defaultSeconds: 60,
  maxSeconds: 300,
  toleratedErrorRate: 0.02,
  impact: 'rate limiting is off and token refresh is refused while Redis is away',
  changes: async () => [
    {
      target: 'service cache',
      before: 'running',
      after: 'stopped',
      apply: { kind: 'service-stop', service: 'cache' },
      revert: { kind: 'service-start', service: 'cache' },
      undoneBy: 'guardian',
      seconds: 5,
    },
  ],
});
