import { lostWith } from './changes.ts';
import { defineFault } from './fault.ts';

export const backendRestart = defineFault({
  id: 'backend-restart',
  title: 'the instances of the backend are restarted one after another',
  expectation: 'with several instances the others answer meanwhile; no acknowledged answer is lost',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 300,
  parameters: [],
  toleratedErrorRate: 1,
  mayFail: lostWith.backend,
  stopIf: [],
  impact: 'requests in flight are lost; with one instance nobody can work until it answers again',
  hits: () => 'all students, one backend instance after another',
  alternatives: ['full-backend-restart'],
  needs: () => ({ kind: 'service', service: 'backend' }),
  changes: async () => [
    {
      target: 'instances of backend',
      before: 'running',
      after: 'restarted, one after another',
      apply: { kind: 'instances-restart', service: 'backend' },
      revert: { kind: 'service-start', service: 'backend' },
      undoneBy: 'guardian',
      seconds: 45,
    },
  ],
});
