import type { Environment } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';

/** Mark of the process that holds connections: one for an environment. */
export const helperOf = 'connection-exhaustion';

/** `limit`: connections that the server gives to those who are no superuser; `inUse`: of them, examctl's own question not counted. */
export async function connectionLimit({
  withPostgres,
}: Pick<Environment, 'withPostgres'>): Promise<{ limit: number; inUse: number }> {
  const { rows } = await withPostgres((postgres) =>
    postgres.query<{ limit: number; in_use: number }>(
      `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS limit,
              (SELECT count(*)::int - 1 FROM pg_stat_activity WHERE backend_type = 'client backend') AS in_use`,
    ),
  );
  const [row] = rows;
  if (row === undefined) throw new Undetermined('the database does not tell how many connections it has');
  return { limit: row.limit, inUse: row.in_use };
}
