import pg from 'pg';
import { messageOf } from '../../lifecycle/errors.ts';
import type { Link } from './link.ts';
import { LinkSocket } from './link-socket.ts';

/** pool_size 10 + max_overflow 10 of the platform, for each worker. */
const poolSize = 20;
/** pool_timeout of the platform */
const poolTimeoutMs = 30_000;

export interface Queryable {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface FinishedQuery {
  readonly sql: string;
  readonly ms: number;
  readonly rowCount: number;
}

interface PoolOptions {
  readonly applicationName: string;
  readonly link: Link;
  readonly max?: number;
}

export function openPool(
  databaseUrl: string,
  { applicationName, link, max = poolSize }: PoolOptions,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: applicationName,
    stream: () => new LinkSocket(link),
    max,
    connectionTimeoutMillis: poolTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // without a listener, the restart of the server would end this process; the pool makes new connections by itself
  pool.on('error', (error) => process.stderr.write(`idle database connection lost: ${messageOf(error)}\n`));
  return pool;
}

/** The pool as one user of it sees it, mostly a request: counts and times its queries. */
export class Database implements Queryable {
  queries = 0;
  ms = 0;
  readonly #pool: pg.Pool;
  readonly #onQuery: (query: FinishedQuery) => void;

  constructor(pool: pg.Pool, onQuery: (query: FinishedQuery) => void) {
    this.#pool = pool;
    this.#onQuery = onQuery;
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#timed<Row>(this.#pool, text, values);
  }

  async one<Row>(text: string, values: readonly unknown[] = []): Promise<Row | undefined> {
    const [row] = await this.query<Row>(text, values);
    return row;
  }

  /** Committed when `work` resolves with `commit` not false, else rolled back. */
  async transaction<T>(
    work: (transaction: Queryable) => Promise<{ value: T; commit?: boolean }>,
  ): Promise<T> {
    const client = await this.#pool.connect();
    // a connection that breaks between two queries says so by an event, which nobody else would hear
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const { value, commit = true } = await work({
        query: (text, values = []) => this.#timed(client, text, values),
      });
      await client.query(commit ? 'COMMIT' : 'ROLLBACK');
      return value;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #timed<Row>(
    target: pg.Pool | pg.PoolClient,
    text: string,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const started = performance.now();
    const result = await target.query({ name: nameOf(text), text, values: [...values] });
    const ms = performance.now() - started;
    this.queries += 1;
    this.ms += ms;
    this.#onQuery({ sql: text, ms, rowCount: result.rowCount ?? 0 });
    return result.rows as Row[];
  }
}

const names = new Map<string, string>();

/** All texts are constants, so each is prepared once for a connection. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `statement_${names.size + 1}`;
  names.set(text, name);
  return name;
}
