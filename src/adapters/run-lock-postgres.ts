import type { Environment, Postgres } from '../lifecycle/environment.ts';
import { Refused, Undetermined } from '../lifecycle/errors.ts';
import {
  type HeldLock,
  heartbeatMilliseconds,
  type LockHolder,
  type LockState,
  leaseMilliseconds,
  type RunLocks,
} from '../lifecycle/run-lock.ts';
import { runProcess } from './processes.ts';
import { heldBy, stateOf } from './run-locks.ts';

/** The database's clock decides, so that machines need not agree on the time. */
const makeTableSql = `
  CREATE TABLE IF NOT EXISTS examctl.run_lock (
    environment text PRIMARY KEY,
    run text,
    holder jsonb,
    epoch bigint NOT NULL,
    acquired_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  )`;
/** In one transaction, so that whoever finds the schema finds the table. */
const makeSchemaSql = `CREATE SCHEMA IF NOT EXISTS examctl; ${makeTableSql}`;

const whatIsThere = `
  SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'examctl') AS schema,
         EXISTS (SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                  WHERE nspname = 'examctl' AND relname = 'run_lock') AS table`;

/** Behind CASE, as the table may not be named without the right to use its schema. */
const rights = `
  SELECT current_user AS login, NOT CASE
    WHEN has_schema_privilege('examctl', 'USAGE') THEN
      has_table_privilege('examctl.run_lock', 'SELECT') AND has_table_privilege('examctl.run_lock', 'INSERT')
      AND has_table_privilege('examctl.run_lock', 'UPDATE')
    ELSE false END AS missing`;

const take = `
  INSERT INTO examctl.run_lock AS l (environment, run, holder, epoch, acquired_at, expires_at)
  VALUES ($1, $2, $3, 1, now(), now() + $4 * interval '1 millisecond')
  ON CONFLICT (environment) DO UPDATE
    SET run = $2, holder = $3, epoch = l.epoch + 1, acquired_at = now(),
        expires_at = now() + $4 * interval '1 millisecond'
    WHERE l.run IS NULL OR l.expires_at <= now() OR l.run = $5
  RETURNING epoch::int`;

const beat = `
  UPDATE examctl.run_lock SET expires_at = now() + $3 * interval '1 millisecond'
  WHERE environment = $1 AND run = $2 RETURNING epoch::int`;

const join = `
  UPDATE examctl.run_lock SET holder = jsonb_set(holder, '{processes}', holder->'processes' || $3::jsonb)
  WHERE environment = $1 AND run = $2`;

const release =
  'UPDATE examctl.run_lock SET run = NULL, expires_at = now() WHERE environment = $1 AND run = $2';

const look = `
  SELECT holder, epoch::int, acquired_at, expires_at, now() AS now FROM examctl.run_lock
  WHERE environment = $1 AND run IS NOT NULL`;

/** One row for all: operators may have the database under other names, and it is the same platform. */
const key = '*';

const insufficientPrivilege = '42501';
/** Two operators make the table at the same moment: the second finds it made. */
const madeMeanwhile = ['23505', '42P06', '42P07'];

/** IF NOT EXISTS alone asks for the right to create even where there is nothing to create. */
async function makeTable(postgres: Postgres, attempts = 5): Promise<void> {
  const { rows } = await postgres.query<{ schema: boolean; table: boolean }>(whatIsThere);
  if (rows[0]?.table) return;
  try {
    await postgres.query(rows[0]?.schema ? makeTableSql : makeSchemaSql);
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === insufficientPrivilege) {
      throw new Undetermined('the database user may not create the schema examctl for the run lock', {
        hint: 'have it created once: CREATE SCHEMA examctl AUTHORIZATION <user>',
        cause: error,
      });
    }
    if (!madeMeanwhile.includes(code) || attempts === 1) throw error;
    // only the schema, perhaps, for what else examctl keeps in it
    await makeTable(postgres, attempts - 1);
  }
}

/** Who may not read or write what is there would go on beside whoever holds it. */
async function refuseWithoutRights(postgres: Postgres): Promise<void> {
  const { rows } = await postgres.query<{ missing: boolean; login: string }>(rights);
  const [row] = rows;
  if (row === undefined || !row.missing) return;
  throw new Refused(
    'whether somebody holds the run lock cannot be seen: this database login may not use it',
    {
      hint: `have its owner say: GRANT USAGE ON SCHEMA examctl TO "${row.login}"; GRANT SELECT, INSERT, UPDATE ON examctl.run_lock TO "${row.login}"`,
    },
  );
}

interface LockRow {
  holder: LockHolder;
  epoch: number;
  acquired_at: Date;
  expires_at: Date;
  now: Date;
}

/** The run lock as a lease in the environment's own PostgreSQL, where every operator's machine sees it. */
export function runLockInPostgres({ withPostgres }: Pick<Environment, 'withPostgres'>): RunLocks {
  const writing = <T>(use: (postgres: Postgres) => Promise<T>) => withPostgres(use, { readOnly: false });

  const current = async (postgres: Postgres): Promise<LockState | null> => {
    const { rows: present } = await postgres.query<{ table: string | null }>(
      `SELECT to_regclass('examctl.run_lock')::text AS table`,
    );
    if (present[0]?.table == null) return null;
    const { rows } = await postgres.query<LockRow>(look, [key]);
    const row = rows[0];
    return row === undefined
      ? null
      : stateOf(row.holder, row.epoch, 'database', row.acquired_at, row.expires_at, row.now);
  };

  return {
    acquire: (holder, options) =>
      writing(async (postgres): Promise<HeldLock> => {
        await makeTable(postgres);
        await refuseWithoutRights(postgres);
        const values = [
          key,
          holder.run,
          JSON.stringify({ ...holder, processes: [runProcess(process.pid)].filter(Boolean) }),
          leaseMilliseconds,
          options?.takeOverFrom ?? null,
        ];
        const { rows } = await postgres.query<{ epoch: number }>(take, values);
        const epoch = rows[0]?.epoch;
        if (epoch !== undefined) return keepAlive(holder, epoch);
        const state = await current(postgres);
        if (state === null)
          throw new Undetermined('the run lock was released while it was being taken; try again');
        if (!state.expired) throw heldBy(state);
        // its time is not over, but everything that acted for it is gone
        const { rows: taken } = await postgres.query<{ epoch: number }>(take, [
          ...values.slice(0, -1),
          state.holder.run,
        ]);
        if (taken[0] === undefined) throw heldBy((await current(postgres)) ?? state);
        return keepAlive(holder, taken[0].epoch);
      }),
    current: () => withPostgres(current),
    forceRelease: (onlyOf) =>
      writing(async (postgres) => {
        const state = await current(postgres);
        if (state === null || (onlyOf !== undefined && state.holder.run !== onlyOf)) return null;
        await postgres.query(release, [key, state.holder.run]);
        return state;
      }),
  };

  /** Beats until released. A database that is away (a fault may be the reason) does not lose the lease by itself. */
  function keepAlive(holder: LockHolder, epoch: number): HeldLock {
    let lost = false;
    const renew = () =>
      writing(async (postgres) => {
        const { rows } = await postgres.query<{ epoch: number }>(beat, [key, holder.run, leaseMilliseconds]);
        lost = rows[0]?.epoch !== epoch;
      });
    // A beat that fails is no end: the next change asks again, and there it is told.
    const timer = setInterval(() => void renew().catch(() => undefined), heartbeatMilliseconds);
    timer.unref();
    return {
      epoch,
      where: 'database',
      joinedBy: async (pid) => {
        const process = runProcess(pid);
        if (process === undefined) return;
        await writing((postgres) => postgres.query(join, [key, holder.run, JSON.stringify([process])]));
      },
      stillHeld: async () => {
        await renew().catch((error: unknown) => {
          if (!(error instanceof Undetermined)) throw error;
        });
        return !lost;
      },
      release: async () => {
        clearInterval(timer);
        await writing((postgres) => postgres.query(release, [key, holder.run]));
      },
    };
  }
}
