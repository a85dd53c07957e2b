import type { Client, QueryConfig } from 'pg';
import type { Environment, Postgres } from '../lifecycle/environment.ts';
import { ConfigError, type Undetermined } from '../lifecycle/errors.ts';
import { DatabaseUndetermined, explainConnectError, explainQueryError, runAgain } from './postgres-errors.ts';

/** Milliseconds. */
const connectTimeout = 5_000;
const lockTimeout = 50;
const idleInTransactionTimeout = 60_000;
const farewellTimeout = 1_000;
/** Beyond the statement_timeout: by then the server has answered, or nothing of it arrives any more. */
const silenceTimeout = 5_000;

/**
 * Gives the environment's `withPostgres`: one connection a use, made when used and closed afterwards.
 * By default the use is one READ ONLY transaction on one snapshot; with `readOnly: false` each statement commits itself.
 */
export function openPostgres(
  url: string,
  { applicationName = 'examctl' }: { applicationName?: string } = {},
): Environment['withPostgres'] {
  const place = placeOf(url);
  return async (use, { readOnly = true, statementTimeout = 10_000, snapshot, beginWithin } = {}) => {
    const connection = await connect(url, applicationName, place);
    try {
      const begun = connection.begin({ readOnly, statementTimeout, snapshot });
      await (beginWithin === undefined ? begun : within(begun, beginWithin, place));
      return await use(connection.postgres);
    } finally {
      await connection.close();
    }
  };
}

interface Connection {
  readonly postgres: Postgres;
  begin(how: { readOnly: boolean; statementTimeout: number; snapshot: string | undefined }): Promise<void>;
  close(): Promise<void>;
}

async function connect(url: string, applicationName: string, place: string): Promise<Connection> {
  const client = await connectedClient(url, applicationName, place);
  let lost: Error | undefined;
  // Without a listener the end of the server ends this process too.
  client.on('error', (error) => {
    lost = error;
  });
  let backend: number | undefined;
  let running = 0;
  let simpleProtocol = false;
  let inTransaction = false;
  let patience = connectTimeout;

  const postgres: Postgres = {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      if (lost !== undefined) throw lostConnection(place, lost);
      running += 1;
      try {
        // The extended protocol takes one statement only: nothing can end the READ ONLY transaction and go on.
        const queryMode = simpleProtocol && values.length === 0 ? undefined : 'extended';
        const query: QueryConfig & { queryMode: string | undefined } = {
          text,
          values: [...values],
          queryMode,
        };
        const { rows } = await answered(client.query(query), patience, (error) => {
          lost ??= error;
        });
        return { rows: rows as Row[] };
      } catch (error) {
        throw lost === undefined ? explainQueryError(error, place) : lostConnection(place, lost);
      } finally {
        running -= 1;
      }
    },
  };

  return {
    postgres,
    async begin({ readOnly, statementTimeout, snapshot }) {
      patience = statementTimeout + silenceTimeout;
      if (readOnly) await postgres.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      inTransaction = readOnly;
      // Takes no parameter, and must come before any other statement.
      if (snapshot !== undefined) await postgres.query(`SET TRANSACTION SNAPSHOT ${quoted(snapshot)}`);
      // By set_config and not at connecting: a pooler in between refuses unknown start-up parameters.
      const { rows } = await postgres.query<{ backend: number }>(
        `SELECT pg_backend_pid() AS backend, set_config('statement_timeout', $1, $3),
           CASE WHEN $3 THEN set_config('lock_timeout', $2, true) END,
           set_config('idle_in_transaction_session_timeout', $4, $3)`,
        [`${statementTimeout}ms`, `${lockTimeout}ms`, readOnly, `${idleInTransactionTimeout}ms`],
      );
      backend = rows[0]?.backend;
      simpleProtocol = !readOnly;
    },
    async close() {
      // A pooler closes a server connection whose client left in the middle, which the next one then has to open again.
      const farewell =
        running > 0
          ? cancel(url, applicationName, backend)
          : rollback(client, inTransaction && lost === undefined);
      await Promise.race([farewell, after(farewellTimeout)]);
      await Promise.race([client.end(), after(farewellTimeout)]);
      // A pooler with one connection only now has one for it.
      await Promise.race([farewell, after(farewellTimeout)]);
    },
  };
}

async function connectedClient(url: string, applicationName: string, place: string): Promise<Client> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
  });
  const ignoreLateError = () => undefined;
  client.on('error', ignoreLateError);
  try {
    await client.connect();
    client.off('error', ignoreLateError);
    return client;
  } catch (error) {
    await client.end();
    throw explainConnectError(error, place, connectTimeout);
  }
}

/** A network that was cut says nothing, for hours: this tells the loss after the time in which an answer had to come. */
async function answered<T>(
  answer: Promise<T>,
  milliseconds: number,
  onLoss: (error: Error) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer in ${milliseconds / 1000} s`);
      onLoss(error);
      reject(error);
    }, milliseconds);
  });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

async function rollback(client: Client, hasTransaction: boolean): Promise<void> {
  if (!hasTransaction) return;
  await client.query('ROLLBACK').catch(() => undefined);
}

/** A server goes on with a statement whose client is gone; this ends it, so that nothing is left behind on Ctrl-C. */
async function cancel(url: string, applicationName: string, backend: number | undefined): Promise<void> {
  if (backend === undefined) return;
  try {
    const client = await connectedClient(url, applicationName, '');
    try {
      const cancelling: QueryConfig & { query_timeout: number } = {
        text: 'SELECT pg_cancel_backend($1)',
        values: [backend],
        query_timeout: 2 * farewellTimeout,
      };
      await client.query(cancelling);
    } finally {
      await client.end();
    }
  } catch {
    // The server is gone, or its statement_timeout ends the statement a little later; why we stop is said elsewhere.
  }
}

function lostConnection(place: string, cause: Error): Undetermined {
  const { code = '08006' } = cause as { code?: string };
  return new DatabaseUndetermined(
    `the connection to PostgreSQL at ${place} was lost: ${cause.message}`,
    { hint: runAgain, cause },
    code,
  );
}

/** "host:port/database": everything of the URL that may be shown. */
function placeOf(url: string): string {
  try {
    const { protocol, hostname, port, pathname, searchParams } = new URL(url);
    if (!protocol.startsWith('postgres')) throw new TypeError(protocol);
    const host = hostname || (searchParams.get('host') ?? 'localhost');
    return `${host}:${port || 5432}${decodeURIComponent(pathname)}`;
  } catch {
    // Without the cause: that of a broken URL quotes it, password and all.
    throw new ConfigError('the URL of the database is not a PostgreSQL URL', {
      hint: 'database.url in examctl.yaml reads postgres://user:password@host:port/database',
    });
  }
}

/** A pooler takes connections that it then lets wait for a server. */
async function within(begun: Promise<void>, milliseconds: number, place: string): Promise<void> {
  begun.catch(() => undefined);
  const late = after(milliseconds).then(() => {
    throw new DatabaseUndetermined(
      `PostgreSQL at ${place} began no transaction within ${milliseconds} ms`,
      { hint: 'a pooler in between has no connection to spare' },
      '57P03',
    );
  });
  await Promise.race([begun, late]);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
