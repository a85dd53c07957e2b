import { defineAction } from './action.ts';
import { ephemeralOf } from './ephemeral.ts';

type EnvironmentUp = { readonly kind: 'environment-up' };

/** Only for environments that examctl makes itself. */
export const environmentUp = defineAction<EnvironmentUp>({
  kind: 'environment-up',
  describe: () => 'bring the environment up',
  apply: (_, { environment }, signal) => ephemeralOf(environment).up(signal),
  verify: async (_, { environment }) => ({
    id: 'environment-up',
    title: 'the environment is up',
    outcome: (await ephemeralOf(environment).isUp()) ? 'pass' : 'fail',
    message: environment.name,
  }),
});
