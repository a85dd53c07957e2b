import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';
import { serviceIs } from './service-state.ts';

type ServiceStart = { readonly kind: 'service-start'; readonly service: Service };

export const serviceStart = defineAction<ServiceStart>({
  kind: 'service-start',
  describe: ({ service }) => `start service ${service}`,
  apply: ({ service }, { environment }, signal) => environment.driver.start(service, signal),
  verify: ({ service }, { environment }) => serviceIs(service, 'running', environment),
});
