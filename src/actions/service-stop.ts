import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';
import { serviceIs } from './service-state.ts';

type ServiceStop = { readonly kind: 'service-stop'; readonly service: Service };

export const serviceStop = defineAction<ServiceStop>({
  kind: 'service-stop',
  describe: ({ service }) => `stop service ${service}`,
  apply: ({ service }, { environment }, signal) => environment.driver.stop(service, signal),
  verify: ({ service }, { environment }) => serviceIs(service, 'stopped', environment),
});
