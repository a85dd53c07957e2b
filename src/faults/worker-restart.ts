import { Undetermined } from '../lifecycle/errors.ts';
import { defineFault } from './fault.ts';

export const workerRestart = defineFault({
  id: 'worker-restart',
  title: 'one backend worker is killed and replaced',
  expectation: 'the other workers carry on; only requests in flight in that worker fail',
  nature: 'momentary',
  defaultSeconds: 5,
  maxSeconds: 300,
  // in so short a time few requests are made, and half of those under way in one of two workers fail
  toleratedErrorRate: 0.1,
  impact: 'requests in flight in one worker fail once',
  changes: async ({ driver }) => {
    const workers = (await driver.instances()).filter(({ service }) => service === 'backend');
    const victim = workers.at(-1);
    if (victim === undefined) throw new Undetermined(`the ${driver.kind} driver shows no backend worker`);
    return [
      {
        target: `worker ${victim.id}`,
        before: victim.state,
        after: 'killed and replaced',
        apply: { kind: 'instance-restart', instance: victim.id },
        revert: { kind: 'service-start', service: 'backend' },
        undoneBy: 'guardian',
        seconds: 10,
      },
    ];
  },
});
