import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { ConfigError, Undetermined } from '../../src/lifecycle/errors.ts';
import { startTestServices, type TestServices } from '../support/services.ts';
import { withClient } from './check-database.ts';

describe('withPostgres', () => {
  let services: TestServices;
  beforeAll(async () => {
    services = await startTestServices();
    await withClient(services.databaseUrl, (client) => client.query('CREATE TABLE notes (text text UNIQUE)'));
  });
  afterAll(() => services.stop());

  const open = (change: (url: URL) => void = () => undefined) => {
    const url = new URL(services.databaseUrl);
    change(url);
    return openPostgres(url.href);
  };
  const place = () => `127.0.0.1:${new URL(services.databaseUrl).port}/exam_platform`;

  it('gives a READ ONLY transaction with timeouts, under the name examctl', async () => {
    const settings = await open()(async (postgres) => {
      const names = [
        'transaction_read_only',
        'transaction_isolation',
        'statement_timeout',
        'lock_timeout',
        'application_name',
      ];
      const { rows } = await postgres.query<{ setting: string }>(
        'SELECT current_setting(name) AS setting FROM unnest($1::text[]) AS name',
        [names],
      );
      return rows.map(({ setting }) => setting);
    });

    expect(settings).toEqual(['on', 'repeatable read', '10s', '50ms', 'examctl']);
  });

  it('shows one snapshot, whatever others write meanwhile', async () => {
    const counts = await open()(async (postgres) => {
      const count = async () =>
        (await postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM notes')).rows[0]?.n;
      const before = await count();
      await withClient(services.databaseUrl, (client) =>
        client.query(`INSERT INTO notes VALUES ('meanwhile')`),
      );
      return [before, await count()];
    });

    expect(counts[0]).toBe(counts[1]);
  });

  it('refuses to write, also behind the back of the transaction', async () => {
    await expect(open()((postgres) => postgres.query('DELETE FROM notes'))).rejects.toMatchObject({
      code: '25006',
    });
    await expect(open()((postgres) => postgres.query('COMMIT; DELETE FROM notes'))).rejects.toMatchObject({
      code: '42601',
    });
  });

  it('commits each statement by itself when writing is asked for', async () => {
    const failing = open()(
      async (postgres) => {
        await postgres.query('INSERT INTO notes VALUES ($1)', ['kept']);
        await postgres.query('INSERT INTO notes VALUES ($1)', ['kept']);
      },
      { readOnly: false },
    );

    await expect(failing).rejects.toMatchObject({ code: '23505' });
    const { rows } = await open()((postgres) => postgres.query(`SELECT text FROM notes WHERE text = 'kept'`));
    expect(rows).toEqual([{ text: 'kept' }]);
  });

  it('has its timeouts for writing, too, and takes several statements and several askers at once', async () => {
    const settings = `SELECT current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle`;
    const seen = await open()(
      async (postgres) => {
        await postgres.query('CREATE SCHEMA own; CREATE TABLE own.numbers (n int)');
        await Promise.all([1, 2, 3].map((n) => postgres.query('INSERT INTO own.numbers VALUES ($1)', [n])));
        const { rows } = await postgres.query('SELECT count(*)::int AS n FROM own.numbers');
        return [...rows, ...(await postgres.query(settings)).rows];
      },
      { readOnly: false },
    );
    expect(seen).toEqual([{ n: 3 }, { statement: '10s', idle: '1min' }]);
  });

  it('is undetermined when a statement takes too long', async () => {
    const slow = open()((postgres) => postgres.query('SELECT pg_sleep(5)'), { statementTimeout: 100 });

    await expect(slow).rejects.toThrow(Undetermined);
    await expect(slow).rejects.toThrow(/127\.0\.0\.1:\d+\/exam_platform .*57014/);
  });

  it('waits only briefly for a lock that others hold', async () => {
    await withClient(services.databaseUrl, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE notes');

      await expect(open()((postgres) => postgres.query('SELECT * FROM notes'))).rejects.toThrow(/55P03/);
    });
  });

  it('says where it could not connect, why, and what to do, but never the password', async () => {
    const secret = 'not-the-password';
    const refused = await open((url) => {
      url.password = secret;
    })(async () => 1).catch((error: Undetermined) => error);
    const unreachable = await open((url) => {
      url.port = '1';
      url.password = secret;
    })(async () => 1).catch((error: Undetermined) => error);
    const missing = await open((url) => {
      url.pathname = '/nowhere';
    })(async () => 1).catch((error: Undetermined) => error);

    for (const error of [refused, unreachable, missing]) {
      expect(error).toBeInstanceOf(Undetermined);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
    }
    expect(refused).toMatchObject({
      message: expect.stringContaining(`${place()} refuses the password`),
      code: '28P01',
    });
    expect(unreachable).toMatchObject({
      message: expect.stringContaining('127.0.0.1:1/exam_platform cannot be reached'),
      code: 'ECONNREFUSED',
    });
    expect(missing).toMatchObject({
      message: expect.stringContaining('/nowhere has no such database'),
      code: '3D000',
    });
  });

  it('does not quote a URL that is none', () => {
    expect(() => openPostgres('postgres://user:secret@host:port/db')).toThrow(ConfigError);
    expect(() => openPostgres('postgres://user:secret@host:port/db')).not.toThrow(/secret/);
    expect(() => openPostgres('mysql://user:secret@host/db')).toThrow(ConfigError);
  });

  it('gives up on a server that accepts and never answers', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const sockets = new Set<{ destroy(): void }>();
    silent.on('connection', (socket) => sockets.add(socket));
    try {
      const hung = open((url) => {
        url.port = String(port);
      })(async () => 1);
      await expect(hung).rejects.toThrow(/no answer in 5 s/);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('outlives the end of its connection, while a statement runs and while none does', async () => {
    const terminate = (pid: number) =>
      withClient(services.databaseUrl, (client) => client.query('SELECT pg_terminate_backend($1)', [pid]));
    const backend = async (postgres: { query: (text: string) => Promise<{ rows: unknown[] }> }) =>
      ((await postgres.query('SELECT pg_backend_pid() AS pid')).rows[0] as { pid: number }).pid;

    const whileRunning = open()(async (postgres) => {
      const pid = await backend(postgres);
      const statement = postgres.query('SELECT pg_sleep(5)');
      await Promise.all([statement, terminate(pid)]);
    });
    const whileIdle = open()(async (postgres) => {
      await terminate(await backend(postgres));
      await new Promise((resolve) => setTimeout(resolve, 200));
      await postgres.query('SELECT 1');
    });

    await expect(whileRunning).rejects.toThrow(Undetermined);
    await expect(whileIdle).rejects.toThrow(/connection to PostgreSQL at .* was lost/);
  });

  it('cancels a statement that nobody waits for any more', async () => {
    const left = open()(async (postgres) => {
      postgres.query('SELECT pg_sleep(20) AS abandoned').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('left early');
    });

    await expect(left).rejects.toThrow('left early');
    const { rows } = await withClient(services.databaseUrl, (client) =>
      client.query(
        `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%abandoned%' AND pid <> pg_backend_pid()`,
      ),
    );
    expect(rows).toEqual([]);
  });
});
