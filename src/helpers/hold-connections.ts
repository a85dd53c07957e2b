import type { HelperDefinition, HelperWork } from './helper.ts';

/** Holds `count` connections to the environment's database; fewer when it gives no more. */
export const holdConnections: HelperDefinition = {
  name: 'hold-connections',
  async run(work) {
    const { withPostgres } = await work.environment();
    const count = Number(work.option('count'));
    const until = new Promise<void>((resolve) =>
      work.signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    const held: Promise<unknown>[] = [];
    for (let number = 0; number < count && !work.signal.aborted; number += 1) {
      const connection = await oneMore(withPostgres, until);
      if (connection === undefined) break;
      held.push(connection.closed);
    }
    work.ready();
    await until;
    await Promise.allSettled(held);
  },
};

type WithPostgres = Awaited<ReturnType<HelperWork['environment']>>['withPostgres'];

/** Undefined when the server gives no more. */
async function oneMore(withPostgres: WithPostgres, until: Promise<void>) {
  let opened: () => void = () => undefined;
  const isOpen = new Promise<true>((resolve) => {
    opened = () => resolve(true);
  });
  const closed = withPostgres(
    async () => {
      opened();
      await until;
    },
    { readOnly: false },
  );
  const failed = closed.then(
    () => false,
    () => false,
  );
  return (await Promise.race([isOpen, failed])) ? { closed: failed } : undefined;
}
