import type { Environment, Postgres } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { IntegrityFacts } from '../../lifecycle/platform.ts';

/** Where a server stands in time, looked at before a snapshot is taken of it. */
export interface ServerPosition {
  /** which server and database this is; another one after a restore or a failover */
  readonly server: string;
  readonly now: Date;
  /** every write with an earlier time is seen by a snapshot that is taken afterwards; null: that cannot be told */
  readonly settled: Date | null;
  /** big tables of which the rows written in a time can only be found by reading all of them */
  readonly slowByTime: readonly string[];
}

export interface PositionLimits {
  /** milliseconds: for the clocks of the platform's machines, and for what lies between the choice of a time and its commit */
  readonly margin: number;
  /** milliseconds: when not all transactions can be seen, a long one may be among them */
  readonly carefulMargin: number;
  /** reading a table of that size takes milliseconds */
  readonly smallBytes: number;
}

const usualLimits: PositionLimits = {
  margin: 2 * 60_000,
  carefulMargin: 10 * 60_000,
  smallBytes: 32 * 1024 * 1024,
};

export interface SeenTimes {
  readonly now: Date;
  readonly in_recovery: boolean;
  /** of a replica: commit of the last transaction that it replayed */
  readonly replayed_until: Date | null;
  /** begin of the oldest transaction that can be seen */
  readonly oldest: Date | null;
  /** connections of which nothing can be seen */
  readonly hidden: number;
}

interface PositionRow extends SeenTimes {
  readonly may_read_control: boolean;
  readonly database: string;
  readonly address: string;
}

/** On a connection of its own: a snapshot must come after it, or a transaction that ends in between is lost to both. */
export function serverPosition(
  withPostgres: Environment['withPostgres'],
  facts: Pick<IntegrityFacts, 'writtenAt'>,
  limits: PositionLimits = usualLimits,
): Promise<ServerPosition> {
  return withPostgres(async (postgres) => {
    const { rows } = await postgres.query<PositionRow>(
      `SELECT clock_timestamp() AS now, pg_is_in_recovery() AS in_recovery,
         CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END AS replayed_until,
         has_function_privilege('pg_control_system()', 'EXECUTE')
           AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE') AS may_read_control,
         (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || current_database() AS database,
         coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'socket') AS address,
         (SELECT min(xact_start) FROM pg_stat_activity
           WHERE datname = current_database() AND backend_type = 'client backend'
             AND pid <> pg_backend_pid() AND application_name <> 'examctl-integrity') AS oldest,
         (SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND query = '<insufficient privilege>')::int AS hidden`,
    );
    const [row] = rows;
    if (row === undefined) throw new Undetermined('the server said nothing about itself');
    return {
      server: `${row.may_read_control ? await controlIdentity(postgres) : row.address}/${row.database}`,
      now: row.now,
      settled: settledAt(row, limits),
      slowByTime: await tablesSlowByTime(postgres, facts, limits),
    };
  });
}

export function settledAt(
  { now, in_recovery, replayed_until, oldest, hidden }: SeenTimes,
  { margin: usual, carefulMargin }: Pick<PositionLimits, 'margin' | 'carefulMargin'> = usualLimits,
): Date | null {
  if (in_recovery && replayed_until === null) return null;
  // The transactions of the primary cannot be seen from a replica.
  const margin = in_recovery || hidden > 0 ? carefulMargin : usual;
  const seenUntil = Math.min(Number(now), Number(replayed_until ?? now));
  return new Date(Math.min(seenUntil - margin, Number(oldest ?? now)));
}

/** The timeline changes when a replica takes over or a backup is restored to an earlier time: writes may be gone. */
async function controlIdentity(postgres: Postgres): Promise<string> {
  const { rows } = await postgres.query<{ id: string }>(
    `SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT timeline_id FROM pg_control_checkpoint()) AS id`,
  );
  return rows[0]?.id ?? '';
}

/** Those without an index that begins with the time of their rows. */
async function tablesSlowByTime(
  postgres: Postgres,
  { writtenAt }: Pick<IntegrityFacts, 'writtenAt'>,
  { smallBytes }: Pick<PositionLimits, 'smallBytes'>,
): Promise<string[]> {
  const entries = Object.entries(writtenAt).map(([table, time]) => [table, time.replaceAll('t.', '')]);
  const { rows } = await postgres.query<{ name: string }>(
    `SELECT w.name
     FROM unnest($1::text[], $2::text[]) AS w(name, written_at)
     JOIN pg_class c ON c.oid = to_regclass(quote_ident(w.name))
     WHERE pg_relation_size(c.oid) > $3
       AND NOT EXISTS (
         SELECT FROM pg_index x
         WHERE x.indrelid = c.oid AND x.indisvalid AND lower(pg_get_indexdef(x.indexrelid, 1, true)) = w.written_at
       )`,
    [entries.map(([table]) => table), entries.map(([, time]) => time), smallBytes],
  );
  return rows.map(({ name }) => name);
}
