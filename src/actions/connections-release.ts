import { defineAction } from './action.ts';
import { connectionLimit, helperOf } from './connections.ts';

type ConnectionsRelease = { readonly kind: 'connections-release' };

export const connectionsRelease = defineAction<ConnectionsRelease>({
  kind: 'connections-release',
  describe: () => 'let the held connections to the database go',
  apply: (_, { environment }) => environment.helpers.end(helperOf),
  async verify(_, { environment }) {
    const record = { id: 'connections-released', title: 'no connection is held' };
    const left = environment.helpers.find(helperOf);
    if (left.length > 0)
      return { ...record, outcome: 'fail', message: `process ${left.join(', ')} still holds some` };
    const { limit, inUse } = await connectionLimit(environment);
    return { ...record, outcome: 'pass', message: `${inUse} of ${limit} connections are in use` };
  },
});
