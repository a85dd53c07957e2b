import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argon2id } from 'hash-wasm';
import pg from 'pg';
import { packageRoot } from '../adapters/package-root.ts';
import type { SandboxConfig } from './config.ts';

export interface SeedOptions {
  readonly students: number;
  /** of the platform; default R2 */
  readonly revision?: SandboxConfig['revision'];
}

export interface SeededPerson {
  readonly id: string;
  readonly email: string;
  readonly role: 'ADMIN' | 'STUDENT';
}

/** of every seeded person */
const sandboxPassword = 'sandbox';

const questionsPerBlock = 80;
const migrations = { R1: '046_csp_reports', R2: '048_family_id' } as const;

export const sandboxAdmin: SeededPerson = {
  id: seededId('user', 0),
  email: 'admin@sandbox.local',
  role: 'ADMIN',
};

/** The first `count` seeded students, without asking the database. */
export function sandboxStudents(count: number): SeededPerson[] {
  return Array.from({ length: count }, (_, index) => ({
    id: seededId('user', index + 1),
    email: `student-${String(index + 1).padStart(4, '0')}@students.sandbox.local`,
    role: 'STUDENT',
  }));
}

/** Makes tables and data in an empty database; the same ids each time. */
export async function seed(databaseUrl: string, { students, revision = 'R2' }: SeedOptions): Promise<void> {
  const schema = await readFile(join(packageRoot(), 'sql/exam-platform/schema.sql'), 'utf8');
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'examplatform-seed' });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(schema);
    await client.query(seededIdFunction);
    await insertPeople(client, [sandboxAdmin, ...sandboxStudents(students)]);
    await client.query(insertQuestions, [sandboxAdmin.id, questionsPerBlock]);
    await client.query(insertAlgorithms);
    await client.query("SELECT setval('themes_id_seq', max(id)) FROM themes");
    await client.query('UPDATE alembic_version SET version_num = $1', [migrations[revision]]);
    await client.query('COMMIT');
    // fresh statistics, so that the first queries are planned like later ones
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}

async function insertPeople(client: pg.Client, people: readonly SeededPerson[]): Promise<void> {
  const passwordHash = await argon2id({
    password: sandboxPassword,
    salt: createHash('sha256').update('examctl sandbox').digest().subarray(0, 16),
    // as light as argon2 gets: what is rehearsed is the platform, not the hash
    iterations: 1,
    memorySize: 64,
    parallelism: 1,
    hashLength: 32,
    outputType: 'encoded',
  });
  await client.query(
    `INSERT INTO users (id, email, password_hash, full_name, role, email_verified, email_verified_at, onboarding_completed)
     SELECT id, email, $4, initcap(replace(split_part(email, '@', 1), '-', ' ')), role, true, now(), true
       FROM unnest($1::uuid[], $2::text[], $3::text[]) AS person (id, email, role)`,
    [
      people.map(({ id }) => id),
      people.map(({ email }) => email),
      people.map(({ role }) => role),
      passwordHash,
    ],
  );
}

/** The same as `seededId` below. */
const seededIdFunction = `
  CREATE FUNCTION pg_temp.seeded_id(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(md5(kind || ':' || number) PLACING '5' FROM 13) PLACING '8' FROM 17)::uuid
  $$`;

/** A name-based uuid in the form of version 5. */
function seededId(kind: string, number: number): string {
  const hex = createHash('md5').update(`${kind}:${number}`).digest('hex');
  const versioned = `${hex.slice(0, 12)}5${hex.slice(13, 16)}8${hex.slice(17)}`;
  return versioned.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const insertQuestions = `
  WITH theme AS (
    INSERT INTO themes (id, block_id, title, order_no)
    SELECT block.id * 10 + number, block.id, 'Theme ' || block.code || number, number
      FROM blocks block, generate_series(1, 4) AS number
    RETURNING id, block_id
  ), question AS (
    INSERT INTO questions (id, external_id, stem, option_a, option_b, option_c, option_d, option_e, correct_index,
                           explanation_md, status, year_id, block_id, theme_id, cognitive_level, difficulty,
                           created_by, updated_by, published_at)
    SELECT pg_temp.seeded_id('question', block.id * 1000 + number), 'SEED-' || block.code || '-' || number,
           'Question ' || number || ' of block ' || block.code, 'first', 'second', 'third', 'fourth', 'fifth',
           (block.id + number * 7) % 5, 'The answer is told by the seed.', 'PUBLISHED', block.year_id, block.id,
           theme.id, (ARRAY['RECALL', 'APPLY', 'ANALYSE'])[1 + number % 3],
           (ARRAY['EASY', 'MEDIUM', 'HARD'])[1 + number % 3], $1::uuid, $1::uuid, now()
      FROM blocks block
      CROSS JOIN generate_series(1, $2::int) AS number
      JOIN theme ON theme.block_id = block.id AND theme.id = block.id * 10 + 1 + number % 4
    RETURNING *
  )
  INSERT INTO question_versions (id, question_id, version_no, snapshot, changed_by)
  SELECT pg_temp.seeded_id('question_version', row_number() OVER (ORDER BY external_id)), id, 1,
         jsonb_build_object('stem', stem, 'option_a', option_a, 'option_b', option_b, 'option_c', option_c,
           'option_d', option_d, 'option_e', option_e, 'correct_index', correct_index,
           'explanation_md', explanation_md, 'year_id', year_id, 'block_id', block_id, 'theme_id', theme_id,
           'cognitive_level', cognitive_level, 'difficulty', difficulty),
         $1::uuid
    FROM question`;

/** What rows of user_theme_mastery must refer to. */
const insertAlgorithms = `
  WITH version AS (
    INSERT INTO algo_versions (id, algo_key, version, description)
    VALUES (pg_temp.seeded_id('algo_version', 1), 'mastery', 'v1', 'share of correct answers')
    RETURNING id
  ), params AS (
    INSERT INTO algo_params (id, algo_version_id)
    SELECT pg_temp.seeded_id('algo_params', 1), id FROM version
    RETURNING id, algo_version_id
  )
  INSERT INTO algo_runs (id, algo_version_id, params_id, trigger, status, completed_at)
  SELECT pg_temp.seeded_id('algo_run', 1), algo_version_id, id, 'seed', 'SUCCESS', now() FROM params`;
