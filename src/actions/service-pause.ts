import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';

type ServicePause = { readonly kind: 'service-pause'; readonly service: Service };

export const servicePause = defineAction<ServicePause>({
  kind: 'service-pause',
  describe: ({ service }) => `pause service ${service}: it is there and answers nobody`,
  apply: ({ service }, { environment }, signal) => environment.driver.pause(service, signal),
  verify: async ({ service }, { environment }) => {
    const record = { id: 'service-paused', title: `${service} is paused` };
    const instances = (await environment.driver.instances()).filter((one) => one.service === service);
    if (instances.length === 0) return { ...record, outcome: 'unknown', message: 'no instance is shown' };
    const others = instances.filter(({ state }) => state !== 'unhealthy');
    if (others.length > 0)
      return {
        ...record,
        outcome: 'fail',
        message: others.map(({ id, state }) => `${id} is ${state}`).join(', '),
      };
    return { ...record, outcome: 'pass', message: instances.map(({ id }) => id).join(', ') };
  },
});
