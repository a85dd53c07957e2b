import type { Service } from '../lifecycle/environment.ts';
import { defineAction } from './action.ts';
import { serviceIs } from './service-state.ts';

type ServiceRestart = { readonly kind: 'service-restart'; readonly service: Service };

export const serviceRestart = defineAction<ServiceRestart>({
  kind: 'service-restart',
  describe: ({ service }) => `restart service ${service}`,
  apply: ({ service }, { environment }, signal) => environment.driver.restart(service, signal),
  verify: ({ service }, { environment }) => serviceIs(service, 'running', environment),
});
