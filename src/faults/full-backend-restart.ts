import { lostWith, restarted } from './changes.ts';
import { defineFault } from './fault.ts';

export const fullBackendRestart = defineFault({
  id: 'full-backend-restart',
  title: 'the backend is restarted, all of it at once',
  expectation: 'refused connections for some seconds, then steady; no acknowledged answer is lost',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 300,
  parameters: [],
  toleratedErrorRate: 1,
  mayFail: lostWith.backend,
  stopIf: [],
  impact: 'nobody can work until the backend answers again',
  hits: () => 'all students',
  alternatives: ['backend-restart'],
  needs: () => ({ kind: 'service', service: 'backend' }),
  changes: async () => [restarted('backend', 30)],
});
