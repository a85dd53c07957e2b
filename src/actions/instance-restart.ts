import { defineAction } from './action.ts';

type InstanceRestart = { readonly kind: 'instance-restart'; readonly instance: string };

export const instanceRestart = defineAction<InstanceRestart>({
  kind: 'instance-restart',
  describe: ({ instance }) => `kill ${instance} and wait for its replacement`,
  apply: ({ instance }, { environment }, signal) => environment.driver.restartInstance(instance, signal),
  verify: async ({ instance }, { environment }) => {
    const record = { id: 'instance-running', title: `${instance} runs again` };
    const found = (await environment.driver.instances()).find(({ id }) => id === instance);
    if (found === undefined)
      return { ...record, outcome: 'fail', message: `there is no instance ${instance}` };
    if (found.state !== 'running')
      return { ...record, outcome: 'fail', message: found.detail ?? `it is ${found.state}` };
    return { ...record, outcome: 'pass', message: `running, process ${found.pid ?? 'unknown'}` };
  },
});
