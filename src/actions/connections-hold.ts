import { defineAction } from './action.ts';
import { connectionLimit, helperOf } from './connections.ts';

type ConnectionsHold = {
  readonly kind: 'connections-hold';
  /** of the server's limit, in 0..1, that is in use afterwards, whoever uses it */
  readonly share: number;
  readonly lifeSeconds: number;
};

const mostOf = 0.8;

export const connectionsHold = defineAction<ConnectionsHold>({
  kind: 'connections-hold',
  describe: ({ share }) =>
    `hold connections to the database until ${Math.round(share * 100)} % of its limit are in use`,
  async apply({ share, lifeSeconds }, { environment }, signal) {
    const { limit, inUse } = await connectionLimit(environment);
    const count = Math.max(0, Math.floor(share * limit) - inUse);
    await environment.helpers.start(
      { mark: helperOf, name: 'hold-connections', options: { count: `${count}` }, lifeSeconds },
      signal,
    );
  },
  async verify({ share }, { environment }) {
    const record = { id: 'connections-held', title: 'the connections are held' };
    if (environment.helpers.find(helperOf).length === 0)
      return { ...record, outcome: 'fail', message: 'the process that holds them has ended' };
    const { limit, inUse } = await connectionLimit(environment);
    // its other users come and go
    const outcome = inUse >= mostOf * share * limit ? 'pass' : 'fail';
    return { ...record, outcome, message: `${inUse} of ${limit} connections are in use` };
  },
});
