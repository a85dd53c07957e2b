import { lostWith, restarted } from './changes.ts';
import { defineFault } from './fault.ts';

export const edgeRestart = defineFault({
  id: 'edge-restart',
  title: 'the edge is restarted',
  expectation:
    'connections break and are refused for a moment; browsers try again, and no acknowledged answer is lost',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 120,
  parameters: [],
  toleratedErrorRate: 1,
  mayFail: lostWith.edge,
  stopIf: [],
  impact: 'nobody reaches the platform for a moment',
  hits: () => 'all students',
  alternatives: ['full-backend-restart'],
  needs: () => ({ kind: 'service', service: 'edge' }),
  changes: async () => [restarted('edge', 10)],
});
