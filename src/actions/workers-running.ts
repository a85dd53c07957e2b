import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment, Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';
import { serviceIs } from './service-state.ts';

type WorkersRunning = {
  readonly kind: 'workers-running';
  readonly service: Service;
  /** how many there were before */
  readonly workers: number;
};

/** Milliseconds in which whoever watches over them replaces one, before the service is started by hand. */
const replacedWithin = 10_000;

export const workersRunning = defineAction<WorkersRunning>({
  kind: 'workers-running',
  describe: ({ service, workers }) => `see that ${service} has its ${workers} worker processes again`,
  async apply({ service, workers }, { environment: { driver } }, signal) {
    const deadline = performance.now() + replacedWithin;
    while (performance.now() < deadline && (await countOf(service, driver)) < workers)
      await sleep(100, undefined, { signal });
    await driver.start(service, signal);
  },
  async verify({ service, workers }, { environment }) {
    const running = await serviceIs(service, 'running', environment);
    if (running.outcome !== 'pass') return running;
    const count = await countOf(service, environment.driver);
    return {
      id: 'workers-running',
      title: `${service} has its worker processes`,
      outcome: count >= workers ? 'pass' : 'fail',
      message: `${count} of ${workers}`,
    };
  },
});

/** A service that is just being replaced cannot be counted. */
async function countOf(service: Service, driver: Environment['driver']): Promise<number> {
  const instances = (await driver.instances()).filter((instance) => instance.service === service);
  return instances.every(({ state }) => state === 'running') ? (await driver.workers(service)).length : 0;
}
