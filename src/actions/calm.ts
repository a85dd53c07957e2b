import type { Disturbance } from '../lifecycle/disturbance.ts';
import { defineAction } from './action.ts';
import { describeDisturbance } from './describe-disturbance.ts';

type Calm = { readonly kind: 'calm'; readonly id: string; readonly disturbance: Disturbance };

export const calm = defineAction<Calm>({
  kind: 'calm',
  describe: ({ disturbance }) => `undo: ${describeDisturbance(disturbance)}`,
  apply: (action, { environment }, signal) => environment.driver.disturber.calm(action, signal),
  verify: async (action, { environment }) => {
    const record = { id: 'calm', title: 'the disturbance is gone' };
    const there = await environment.driver.disturber.isDisturbed(action);
    const message = describeDisturbance(action.disturbance);
    return {
      ...record,
      outcome: there ? 'fail' : 'pass',
      message: there ? `still there: ${message}` : message,
    };
  },
});
