import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';
import { serviceIs } from './service-state.ts';

type InstancesRestart = { readonly kind: 'instances-restart'; readonly service: Service };

/** One after another, each when the one before answers again. */
export const instancesRestart = defineAction<InstancesRestart>({
  kind: 'instances-restart',
  describe: ({ service }) => `restart the instances of ${service} one after another`,
  async apply({ service }, { environment: { driver } }, signal) {
    const instances = (await driver.instances()).filter((instance) => instance.service === service);
    for (const { id } of instances) {
      signal.throwIfAborted();
      await driver.restartInstance(id, signal);
    }
  },
  verify: ({ service }, { environment }) => serviceIs(service, 'running', environment),
});
