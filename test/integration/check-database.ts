import pg from 'pg';
import { openPostgres } from '../../src/adapters/postgres.ts';
import type { Check } from '../../src/checks/check.ts';
import { checksFrom } from '../../src/checks/checks-from.ts';
import { type RunChecksOptions, runChecks } from '../../src/checks/running/run-checks.ts';
import { pseudonymiser } from '../../src/lifecycle/pseudonym.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { type ExamRecords, examRecords } from '../../src/sandbox/plants/exam-records.ts';
import { plantNearMisses } from '../../src/sandbox/plants/near-misses.ts';
import { seed } from '../../src/sandbox/seed.ts';
import { packagedCatalogue } from '../support/catalogue.ts';
import { startTestServices, type TestServices } from '../support/services.ts';

const students = 40;

/** A server with one database full of near misses, and copies of it that a test may spoil. */
export async function startCheckDatabase(server?: Pick<TestServices, 'databaseUrl' | 'stop'>) {
  const services = server ?? (await startTestServices());
  const template = services.databaseUrl;
  const administration = withDatabase(template, 'postgres');
  await seed(template, { students });
  await withClient(template, (client) => plantNearMisses(examRecords(client, students)));
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
      await withClient(url, (client) => plant(examRecords(client, students)));
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

/** A check as one would write it, without caring about its words. */
export function ownCheck(
  id: string,
  columns: string,
  sql: string,
  more: Record<string, string> = {},
): Check[] {
  const header = {
    id,
    title: 't',
    question: 'q',
    severity: 'major',
    finding: 'f',
    remedy: 'r',
    columns,
    cost: 'index',
    ...more,
  };
  const fields = Object.entries(header).map(
    ([key, value], index) => [key, { value, line: index + 1 }] as const,
  );
  return checksFrom([{ file: `${id}.sql`, header: new Map(fields), sql }]);
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
