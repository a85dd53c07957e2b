import pg from 'pg';
import { openPostgres } from '../../src/adapters/postgres.ts';
import { type RunChecksOptions, runChecks } from '../../src/checks/run-checks.ts';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { seed } from '../../src/sandbox/seed.ts';
import { packagedCatalogue } from '../support/catalogue.ts';
import { startTestServices } from '../support/services.ts';
import { addNearMisses, type ExamRecords, examRecords } from './check-records.ts';

/** A server with one database full of near misses, and copies of it that a test may spoil. */
export async function startCheckDatabase() {
  const services = await startTestServices();
  const template = services.databaseUrl;
  const administration = withDatabase(template, 'postgres');
  await seed(template, { students: 40 });
  await withClient(template, (client) => addNearMisses(examRecords(client)));
  const catalogue = await packagedCatalogue();
  let copies = 0;

  return {
    url: template,
    catalogue,
    checks: catalogue.checks,
    stop: services.stop,

    /** the url of a copy with these records added */
    async copy(plant: (records: ExamRecords) => Promise<unknown>): Promise<string> {
      copies += 1;
      const name = `copy_${copies}`;
      await withClient(administration, (client) =>
        client.query(`CREATE DATABASE ${name} TEMPLATE ${new URL(template).pathname.slice(1)}`),
      );
      const url = withDatabase(template, name);
      await withClient(url, (client) => plant(examRecords(client)));
      return url;
    },

    run: (url: string, options: Partial<RunChecksOptions> = {}) =>
      runChecks({
        environment: { name: 'test', withPostgres: openPostgres(url), platform: examPlatform },
        catalogue,
        students: pseudonymiser('a salt'),
        signal: new AbortController().signal,
        ...options,
      }),
  };
}

export type CheckDatabase = Awaited<ReturnType<typeof startCheckDatabase>>;

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
