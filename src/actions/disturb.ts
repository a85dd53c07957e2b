import type { Disturbance } from '../lifecycle/disturbance.ts';
import { defineAction } from './action.ts';
import { describeDisturbance } from './describe-disturbance.ts';

type Disturb = {
  readonly kind: 'disturb';
  readonly id: string;
  readonly disturbance: Disturbance;
  /** after which whatever process it takes ends by itself */
  readonly lifeSeconds: number;
};

export const disturb = defineAction<Disturb>({
  kind: 'disturb',
  describe: ({ disturbance }) => describeDisturbance(disturbance),
  apply: (action, { environment }, signal) => environment.driver.disturber.disturb(action, signal),
  verify: async (action, { environment }) => {
    const record = { id: 'disturbed', title: 'the disturbance is there' };
    const there = await environment.driver.disturber.isDisturbed(action);
    const message = describeDisturbance(action.disturbance);
    return {
      ...record,
      outcome: there ? 'pass' : 'fail',
      message: there ? message : `it is not: ${message}`,
    };
  },
});
