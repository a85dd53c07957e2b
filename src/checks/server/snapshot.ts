import type { Environment, Postgres } from '../../lifecycle/environment.ts';
import { messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { isAboutTheStatement, isConnectionLost } from '../statements/statement-error.ts';

export interface SnapshotOptions {
  readonly withPostgres: Environment['withPostgres'];
  /** milliseconds for each statement */
  readonly statementTimeout: number;
}

/** One connection, in a READ ONLY transaction whose snapshot others can see, too. */
export interface Snapshot {
  readonly postgres: Postgres;
  /** Opens another connection that sees the same, for as long as it is used. */
  another<T>(use: (postgres: Postgres) => Promise<T>): Promise<T>;
}

/** Milliseconds: a pooler may never give a second connection, and one is enough. */
const anotherWithin = 2_000;

export function onSnapshot<T>(
  { withPostgres, statementTimeout }: SnapshotOptions,
  use: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  return withPostgres(
    async (postgres) => {
      // Before the savepoint: a subtransaction cannot export.
      const snapshot = await exportSnapshot(postgres);
      await prepare(postgres);
      return use({
        postgres,
        another: (useAnother) =>
          withPostgres(
            async (second) => {
              await prepare(second);
              return useAnother(second);
            },
            { statementTimeout, snapshot, beginWithin: anotherWithin },
          ),
      });
    },
    { statementTimeout },
  );
}

async function exportSnapshot(postgres: Postgres): Promise<string> {
  const { rows } = await postgres.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
  return rows[0]?.id ?? '';
}

/** Leaves the other cores to the exam, does not compile statements that run once, and writes times in one zone. */
async function prepare(postgres: Postgres): Promise<void> {
  await postgres.query(
    `SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
       set_config('work_mem', '64MB', true), set_config('TimeZone', 'UTC', true),
       set_config('application_name', 'examctl-integrity', true)`,
  );
  await postgres.query('SAVEPOINT unharmed');
}

/** For the statements until `recover`. */
export async function apply(
  postgres: Postgres,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await postgres.query('SELECT set_config($1, $2, true)', [name, value]);
}

/** After a statement failed: gives the transaction, and so the snapshot, back to the next one. */
export async function recover(postgres: Postgres): Promise<void> {
  await postgres.query('ROLLBACK TO SAVEPOINT unharmed');
}

/** Why there is no second connection, when that is the server's or a pooler's doing. */
export function whyNotAnother(error: unknown): string {
  if (error instanceof Undetermined || isAboutTheStatement(error) || isConnectionLost(error))
    return messageOf(error);
  throw error;
}
