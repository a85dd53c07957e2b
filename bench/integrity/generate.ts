import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { serverAccount } from '../../src/sandbox/account.ts';
import { initPostgres, postgresBinaries } from '../../src/sandbox/postgres.ts';
import { publish } from '../../src/sandbox/publish.ts';
import { plantDefects } from './defects.ts';
import { type Expected, expectedFindings } from './expected.ts';
import { describeRules, type Rule, slowRules } from './rules.ts';
import {
  benchCache,
  generatingSettings,
  type RunningServer,
  type SettingsName,
  serverSettings,
  startServer,
} from './server.ts';

/** What is known of a generated database without asking it. */
export interface Generated {
  readonly sessions: number;
  readonly expected: Expected;
  readonly password: string;
  readonly seconds: number;
  readonly bytes: number;
}

export interface GeneratedDatabase extends Omit<Generated, 'password'> {
  /** superuser exam_user; what writes should work in a copy (CREATE DATABASE ... TEMPLATE exam_platform) */
  readonly url: string;
  readonly folder: string;
  stop(): Promise<void>;
}

export interface GenerateOptions {
  readonly sessions: number;
  readonly settings?: SettingsName;
  readonly onProgress?: (what: string) => void;
}

const database = 'exam_platform';
const here = join(packageRoot(), 'bench/integrity');
const schemaFile = join(packageRoot(), 'sql/exam-platform/schema.sql');

/** Starts a server with the database of so many sessions; makes it first where the cache does not have it. */
export async function openGenerated({
  sessions,
  settings = 'stock',
  onProgress = () => undefined,
}: GenerateOptions): Promise<GeneratedDatabase> {
  const folder = join(benchCache(), `bench-integrity-${sessions}-${generatorDigest()}`);
  removeOutdated(folder);
  await publish(folder, (draft) => generate(draft, sessions, onProgress));
  const { password, ...known } = JSON.parse(readFileSync(generatedFile(folder), 'utf8')) as Generated;
  const server = await startServer(folder, { password, settings: serverSettings[settings] });
  return { ...known, folder, url: server.url(database), stop: server.stop };
}

/** Those of older generators: each may be six gigabytes. A server that runs keeps its own. */
function removeOutdated(folder: string): void {
  const prefix = `${folder.slice(0, folder.lastIndexOf('-'))}-`;
  const others = readdirSync(dirname(folder))
    .map((name) => join(dirname(folder), name))
    .filter((other) => other.startsWith(prefix) && other !== folder && !other.endsWith('.draft'));
  for (const other of others) {
    if (!existsSync(join(other, 'data/postmaster.pid'))) rmSync(other, { recursive: true });
  }
}

function generatedFile(folder: string): string {
  return join(folder, 'generated.json');
}

/** Of all that decides what is in the database. */
function generatorDigest(): string {
  const files = ['defects.ts', 'expected.ts', 'generate.ts', 'rules.ts'].map((name) => join(here, name));
  const fills = readdirSync(join(here, 'fill'))
    .sort()
    .map((name) => join(here, 'fill', name));
  const hash = createHash('sha256');
  for (const file of [...files, ...fills, schemaFile]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

async function generate(folder: string, sessions: number, onProgress: (what: string) => void): Promise<void> {
  const begin = performance.now();
  const account = serverAccount();
  const password = randomBytes(16).toString('hex');
  const { signal } = new AbortController();
  mkdirSync(folder, { mode: 0o711 });
  await initPostgres({
    binaries: await postgresBinaries(benchCache(), account),
    account,
    dataFolder: join(folder, 'data'),
    password,
    signal,
  });
  const server = await startServer(folder, { password, settings: generatingSettings });
  try {
    const progress = (what: string) =>
      onProgress(`${((performance.now() - begin) / 1000).toFixed(1)} s: ${what}`);
    const expected = await fillDatabase(server, sessions, progress);
    const bytes = await withClient(server.url(database), sessions, async (client) => {
      const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size($1) AS bytes', [
        database,
      ]);
      return Number(rows[0]?.bytes);
    });
    const seconds = (performance.now() - begin) / 1000;
    const made: Generated = { sessions, expected, password, seconds, bytes };
    writeFileSync(generatedFile(folder), `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
    progress('made');
  } finally {
    await server.stop();
  }
}

/**
 * Adds finished sessions without defects to a platform's database, beside what it has; each answer has its event.
 * Meanwhile the tables lack indexes and foreign keys, so nobody should be in an exam.
 */
export async function fillPlatform(
  url: string,
  { sessions, onProgress = () => undefined }: Omit<GenerateOptions, 'settings'>,
): Promise<void> {
  const use = usingDatabase(url, sessions);
  const insert = async (client: pg.Client, _: string, statements: readonly string[]) => {
    for (const sql of statements) await client.query(sql);
  };
  await fillTables(use, { insert, allLogged: true, progress: onProgress });
  await use((client) => finish(client, onProgress));
}

async function fillDatabase(
  server: RunningServer,
  sessions: number,
  progress: (what: string) => void,
): Promise<Expected> {
  await withClient(server.url('postgres'), sessions, (client) => client.query(`CREATE DATABASE ${database}`));
  const use = usingDatabase(server.url(database), sessions);
  await use((client) => client.query(readFileSync(schemaFile, 'utf8')));
  await fillTables(use, { insert: insertWithoutLog, allLogged: false, progress });
  return use(async (client) => {
    progress('defects');
    await plantDefects(client, sessions);
    const expected = await expectedFindings(client, sessions);
    await finish(client, progress);
    await client.query('CHECKPOINT');
    return expected;
  });
}

type UseDatabase = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

function usingDatabase(url: string, sessions: number): UseDatabase {
  return (work) => withClient(url, sessions, work);
}

interface FillOptions {
  readonly insert: (client: pg.Client, table: string, statements: readonly string[]) => Promise<void>;
  /** each answer has its event; else two of each session */
  readonly allLogged: boolean;
  readonly progress: (what: string) => void;
}

/** Leaves the schema `bench`, which says what was planned for each session. */
async function fillTables(use: UseDatabase, { insert, allLogged, progress }: FillOptions): Promise<void> {
  const { before, rules } = await use(async (client) => {
    const before = await describeRules(client);
    const rules = await slowRules(client);
    for (const { drop } of rules) await client.query(drop);
    progress('the plan');
    await client.query(fill('plan'));
    await client.query(fill('people-and-questions'));
    return { before, rules };
  });

  // Two at a time, as many as the machine of the targets has cores.
  const lane = (steps: readonly (readonly [table: string, ...files: string[]])[]) =>
    use(async (client) => {
      for (const [table, ...files] of steps) {
        progress(`rows of ${table}`);
        await insert(client, table, files.map(fill));
        progress(`indexes of ${table}`);
        await create(client, rules, (rule) => !rule.isForeignKey && rule.table === table);
      }
    });
  await Promise.all([
    lane([
      ['test_sessions', 'test-sessions'],
      ['session_questions', 'session-questions'],
      ['user_theme_mastery', 'user-theme-mastery'],
    ]),
    lane([
      ['session_answers', 'session-answers'],
      ['attempt_events', 'attempt-events', ...(allLogged ? ['more-events'] : [])],
    ]),
  ]);

  await use(async (client) => {
    progress('foreign keys');
    await create(client, rules, ({ isForeignKey }) => isForeignKey);
    if ((await describeRules(client)) !== before) throw new Error('the rules are not those of before');
  });
}

async function finish(client: pg.Client, progress: (what: string) => void): Promise<void> {
  await client.query('DROP SCHEMA bench CASCADE');
  progress('VACUUM ANALYZE');
  await client.query('VACUUM (ANALYZE)');
}

function fill(name: string): string {
  return readFileSync(join(here, 'fill', `${name}.sql`), 'utf8');
}

/** A table that is made empty in the transaction that fills it needs no write-ahead log. */
async function insertWithoutLog(
  client: pg.Client,
  table: string,
  statements: readonly string[],
): Promise<void> {
  await client.query('BEGIN');
  await client.query(`TRUNCATE ${table}`);
  for (const sql of statements) await client.query(sql);
  await client.query('COMMIT');
}

async function create(
  client: pg.Client,
  rules: readonly Rule[],
  which: (rule: Rule) => boolean,
): Promise<void> {
  for (const rule of rules.filter(which)) await client.query(rule.create);
}

async function withClient<T>(
  connectionString: string,
  sessions: number,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const settings = {
    'bench.sessions': sessions,
    jit: 'off',
    work_mem: '256MB',
    maintenance_work_mem: '768MB',
    max_parallel_maintenance_workers: 0,
  };
  const options = Object.entries(settings).map(([setting, value]) => `-c ${setting}=${value}`);
  const client = new pg.Client({ connectionString, options: options.join(' ') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
