import { defineAction } from './action.ts';
import { ephemeralOf } from './ephemeral.ts';

type EnvironmentDown = { readonly kind: 'environment-down' };

/** Only for environments that examctl makes itself. */
export const environmentDown = defineAction<EnvironmentDown>({
  kind: 'environment-down',
  describe: () => 'take the environment down',
  apply: (_, { environment }) => ephemeralOf(environment).down(),
  verify: async (_, { environment }) => ({
    id: 'environment-down',
    title: 'the environment is gone',
    outcome: (await ephemeralOf(environment).isUp()) ? 'fail' : 'pass',
    message: environment.name,
  }),
});
