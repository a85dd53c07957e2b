import { Undetermined } from '../lifecycle/errors.ts';
import { lostWith } from './changes.ts';
import { defineFault } from './fault.ts';

export const workerKill = defineFault({
  id: 'worker-kill',
  title: 'one backend worker is killed and replaced',
  expectation: 'the other workers carry on; only requests in flight in that worker fail',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 300,
  parameters: [],
  // in so short a time few requests are made, and half of those under way in one of two workers fail
  toleratedErrorRate: 0.1,
  mayFail: lostWith.backend,
  stopIf: [],
  impact: 'requests in flight in one worker fail once',
  hits: () => 'requests in flight in one worker of the backend',
  alternatives: ['backend-restart'],
  needs: () => ({ kind: 'worker-kill', service: 'backend' }),
  changes: async ({ environment: { driver } }) => {
    const workers = await driver.workers('backend');
    if (workers.length === 0) throw new Undetermined(`the ${driver.kind} driver shows no backend worker`);
    return [
      {
        target: 'one worker of backend',
        before: `${workers.length} workers`,
        after: 'killed and replaced',
        apply: { kind: 'worker-kill', service: 'backend', workers },
        revert: { kind: 'workers-running', service: 'backend', workers: workers.length },
        undoneBy: 'guardian',
        seconds: 10,
      },
    ];
  },
});
