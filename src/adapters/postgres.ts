import type { Client, QueryConfig } from 'pg';
import type { Environment, Postgres, QueryResult } from '../lifecycle/environment.ts';
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
      return await use(await (beginWithin === undefined ? begun : within(begun, beginWithin, place)));
    } finally {
      await connection.close();
    }
  };
}

interface Connection {
  begin(how: {
    readOnly: boolean;
    statementTimeout: number;
    snapshot: string | undefined;
  }): Promise<Postgres>;
  close(): Promise<void>;
}

async function connect(url: string, applicationName: string, place: string): Promise<Connection> {
  const client = await connectedClient(url, applicationName, place);
  let lost: Error | undefined;
  // Without a listener the end of the server ends this process too.
  client.on('error', (error) => {
    lost = error;
  });
  let at: Position | undefined;
  let running = 0;
  let statementTimeout = connectTimeout;
  let inTransaction = false;
  let writes = false;

  const send = async <Row>(query: SentQuery): Promise<QueryResult<Row>> => {
    if (lost !== undefined) throw lostConnection(place, lost);
    running += 1;
    try {
      const sent: Promise<unknown> = client.query(query);
      const result = await answered(sent, statementTimeout + silenceTimeout, (error) => {
        lost ??= error;
      });
      // Several statements in one text have several results.
      const answer = (Array.isArray(result) ? result.at(-1) : result) as QueryResult<Row>;
      return { rows: answer.rows };
    } catch (error) {
      throw lost === undefined ? explainQueryError(error, place, { writes }) : lostConnection(place, lost);
    } finally {
      running -= 1;
    }
  };

  const reading: Postgres = {
    // The extended protocol takes one statement only: nothing can end the READ ONLY transaction and go on.
    query: (text, values = []) => send({ text, values: [...values], queryMode: 'extended' }),
  };

  let last: Promise<unknown> = Promise.resolve();
  const writing: Postgres = {
    query: (text, values = []) => {
      const next = last.then(() => inOwnTransaction<never>({ text, values: [...values] }));
      last = next.catch(() => undefined);
      return next;
    },
  };

  /** What is set for the session would stay on the connection that a pooler gives to the platform next. */
  async function inOwnTransaction<Row>(query: SentQuery): Promise<QueryResult<Row>> {
    const limits = `SET LOCAL statement_timeout = ${statementTimeout};
      SET LOCAL idle_in_transaction_session_timeout = ${idleInTransactionTimeout}`;
    const { rows } = await send<Position>({ text: `BEGIN; ${limits}; SELECT ${position}` });
    at = rows[0];
    inTransaction = true;
    try {
      const result = await send<Row>(query);
      await send({ text: 'COMMIT' });
      return result;
    } catch (error) {
      await rollback(client, lost === undefined);
      throw error;
    } finally {
      inTransaction = false;
    }
  }

  return {
    async begin({ readOnly, snapshot, ...how }) {
      statementTimeout = how.statementTimeout;
      writes = !readOnly;
      if (writes) return writing;
      await reading.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      inTransaction = true;
      // Takes no parameter, and must come before any other statement.
      if (snapshot !== undefined) await reading.query(`SET TRANSACTION SNAPSHOT ${quoted(snapshot)}`);
      // By set_config and not at connecting: a pooler in between refuses unknown start-up parameters.
      const { rows } = await reading.query<Position>(
        `SELECT ${position}, set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
           set_config('idle_in_transaction_session_timeout', $3, true)`,
        [`${statementTimeout}ms`, `${lockTimeout}ms`, `${idleInTransactionTimeout}ms`],
      );
      at = rows[0];
      return reading;
    },
    async close() {
      // A pooler closes a server connection whose client left in the middle, which the next one then has to open again.
      const farewell =
        running > 0
          ? cancel(url, applicationName, at)
          : rollback(client, inTransaction && lost === undefined);
      await Promise.race([farewell, after(farewellTimeout)]);
      await Promise.race([client.end(), after(farewellTimeout)]);
      // A pooler with one connection only now has one for it.
      await Promise.race([farewell, after(farewellTimeout)]);
    },
  };
}

/** Which transaction of which server process is ours: behind a pooler the process may be another client's a moment later. */
interface Position {
  readonly backend: number;
  readonly since: string;
}

const position = 'pg_backend_pid() AS backend, extract(epoch FROM now())::text AS since';

interface SentQuery extends QueryConfig {
  readonly queryMode?: 'extended';
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
async function cancel(url: string, applicationName: string, at: Position | undefined): Promise<void> {
  if (at === undefined) return;
  try {
    const client = await connectedClient(url, applicationName, '');
    try {
      const cancelling: QueryConfig & { query_timeout: number } = {
        text: 'SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND extract(epoch FROM xact_start)::text = $2',
        values: [at.backend, at.since],
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
async function within<T>(begun: Promise<T>, milliseconds: number, place: string): Promise<T> {
  begun.catch(() => undefined);
  const late = after(milliseconds).then((): never => {
    throw new DatabaseUndetermined(
      `PostgreSQL at ${place} began no transaction within ${milliseconds} ms`,
      { hint: 'a pooler in between has no connection to spare' },
      '57P03',
    );
  });
  return Promise.race([begun, late]);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
