import { defineFault } from './fault.ts';

export const backendRestart = defineFault({
  id: 'backend-restart',
  title: 'the backend is restarted, all workers at once',
  expectation: 'refused connections for some seconds, then steady; no acknowledged answer is lost',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 300,
  toleratedErrorRate: 1,
  impact: 'nobody can work until the backend answers again',
  changes: async () => [
    {
      target: 'service backend',
      before: 'running',
      after: 'restarted',
      apply: { kind: 'service-restart', service: 'backend' },
      revert: { kind: 'service-start', service: 'backend' },
      undoneBy: 'guardian',
      seconds: 30,
    },
  ],
});
