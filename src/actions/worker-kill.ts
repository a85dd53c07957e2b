import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';

type WorkerKill = {
  readonly kind: 'worker-kill';
  readonly service: Service;
  /** process ids of those that there are */
  readonly workers: readonly number[];
};

export const workerKill = defineAction<WorkerKill>({
  kind: 'worker-kill',
  describe: ({ service }) => `end one worker process of ${service} by SIGKILL`,
  apply: ({ service }, { environment }, signal) => environment.driver.killWorker(service, signal),
  async verify({ service, workers }, { environment }) {
    const record = { id: 'worker-killed', title: `one worker process of ${service} was ended` };
    const left = await environment.driver.workers(service);
    const gone = workers.filter((pid) => !left.includes(pid));
    if (gone.length === 0)
      return { ...record, outcome: 'fail', message: `all are still there: ${left.join(', ')}` };
    return { ...record, outcome: 'pass', message: `process ${gone.join(', ')} is gone` };
  },
});
