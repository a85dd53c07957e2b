import type { Environment } from '../../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { abortable } from './abortable.ts';

export interface DatabaseChoice {
  readonly withPostgres: Environment['withPostgres'];
  readonly notes: readonly string[];
}

/** Seconds. */
const farBehind = 60;

/** The replica, where one is configured and answers: reading there costs the exam nothing. */
export async function chooseDatabase(
  { withPostgres, replica }: Pick<Environment, 'withPostgres' | 'replica'>,
  signal: AbortSignal,
): Promise<DatabaseChoice> {
  if (replica === undefined) return { withPostgres, notes: [] };
  try {
    return { withPostgres: replica, notes: [lagNote(await abortable(lagOf(replica), signal))] };
  } catch (error) {
    if (signal.aborted || !(error instanceof Undetermined)) throw error;
    return {
      withPostgres,
      notes: [`read from the primary, as the replica gave no answer: ${messageOf(error)}`],
    };
  }
}

interface Lag {
  readonly in_recovery: boolean;
  /** all that was received has been replayed */
  readonly caught_up: boolean | null;
  /** seconds since the last transaction that it replayed; also grows while the primary has nothing to do */
  readonly seconds: number | null;
}

async function lagOf(replica: Environment['withPostgres']): Promise<Lag> {
  const { rows } = await replica((postgres) =>
    postgres.query<Lag>(
      `SELECT pg_is_in_recovery() AS in_recovery,
         CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() END AS caught_up,
         CASE WHEN pg_is_in_recovery()
           THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END AS seconds`,
    ),
  );
  return rows[0] ?? { in_recovery: true, caught_up: null, seconds: null };
}

export function lagNote({ in_recovery, caught_up, seconds }: Lag): string {
  if (!in_recovery) return 'database.replica is no replica: the server there is not in recovery';
  if (seconds === null) return 'read from the replica; how far it is behind is not known';
  const last = `its last transaction is ${seconds.toFixed(seconds < 10 ? 1 : 0)} s old`;
  if (caught_up) return `read from the replica, which has replayed all that it received; ${last}`;
  return seconds > farBehind
    ? `read from the replica, which is behind: ${last}, and what was written since is not looked at`
    : `read from the replica; ${last}`;
}
