import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type MintedIdentity, mintTokens } from '../../src/sandbox/backend/tokens.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import { sandboxAdmin, sandboxStudents, seed } from '../../src/sandbox/seed.ts';
import { type Platform, seededStudents, signingKey, startPlatform } from './sandbox-platform.ts';
import { type CallOptions, send } from './send.ts';
import { startTestServices, type TestServices } from './services.ts';

interface Scene {
  services: TestServices;
  database: pg.Pool;
  platform: Platform;
  /** token of the administrator */
  admin: string;
  students: readonly MintedIdentity[];
}

/** What the tests of one file share, from the moment that its first test starts. */
export const scene = {} as Scene;
let nextStudent = 0;

/** A seeded platform of two workers behind an edge; mended after each test. */
export function useScene(): void {
  beforeAll(async () => {
    scene.services = await startTestServices();
    const { databaseUrl, redisUrl } = scene.services;
    await seed(databaseUrl, { students: seededStudents });
    scene.database = new pg.Pool({ connectionString: databaseUrl });
    // the server may end a connection before the pool has closed it
    scene.database.on('error', () => undefined);
    scene.platform = await startPlatform({ workers: 2, databaseUrl, redisUrl });
    const [admin, ...students] = await mintTokens({ jwtSigningKey: signingKey }, [
      sandboxAdmin,
      ...sandboxStudents(seededStudents),
    ]);
    scene.admin = admin?.token ?? '';
    scene.students = students;
  });

  afterEach(() => scene.platform.breakWith());

  afterAll(async () => {
    await scene.platform?.stop();
    await scene.database?.end();
    await scene.services?.stop();
  });
}

export function call(
  method: string,
  path: string,
  { address = scene.platform.address, ...options }: CallOptions = {},
) {
  return send(method, `${address}/v1${path}`, options);
}

export type Student = MintedIdentity;

/** One that no other test has used, so that the rate limits are his own. */
export function student(): Student {
  const found = scene.students[nextStudent];
  nextStudent += 1;
  if (found === undefined) throw new Error('the tests need more students');
  return found;
}

export async function newSession(owner: Student, more: object = {}, address = scene.platform.address) {
  const body = { mode: 'EXAM', year: 1, blocks: ['A'], count: 10, ...more };
  const created = await call('POST', '/sessions', { token: owner.token, body, address });
  if (created.status !== 200)
    throw new Error(`no session: ${created.status} ${JSON.stringify(created.body)}`);
  const id: string = created.body.session_id;
  const { body: session } = await call('GET', `/sessions/${id}`, { token: owner.token, address });
  const questionIds: string[] = session.questions.map(
    ({ question_id }: { question_id: string }) => question_id,
  );
  return { id, questionIds };
}

export function answer(
  owner: Student,
  id: string,
  questionId: string,
  index: number | null,
  address = scene.platform.address,
) {
  const body = { question_id: questionId, selected_index: index };
  return call('POST', `/sessions/${id}/answer`, { token: owner.token, body, address });
}

export function submit(owner: Student, id: string, address = scene.platform.address) {
  return call('POST', `/sessions/${id}/submit`, { token: owner.token, address });
}

/** In worker 1, as each worker counts for itself which calls a defect strikes. */
export async function submittedSession() {
  const owner = student();
  const session = await newSession(owner);
  const { status } = await submit(owner, session.id, scene.platform.workerAddress(1));
  expect(status).toBe(200);
  return session;
}

export async function broken(...defects: DefectId[]): Promise<void> {
  scene.platform.breakWith(...defects);
  await sleep(350);
}

interface EventRow {
  event_type: string;
  source: string;
  payload: Record<string, unknown>;
}

export async function eventsOf(sessionId: string): Promise<EventRow[]> {
  const { rows } = await scene.database.query<EventRow>(
    `SELECT event_type, source, payload_json AS payload FROM attempt_events WHERE session_id = $1
      ORDER BY event_ts, created_at`,
    [sessionId],
  );
  return rows;
}

export async function sessionRow(id: string) {
  return (await scene.database.query('SELECT * FROM test_sessions WHERE id = $1', [id])).rows[0];
}

export async function runsOf(key: string): Promise<number> {
  const { rows } = await scene.database.query(
    'SELECT count(*)::int AS count FROM job_run WHERE job_key = $1',
    [key],
  );
  return rows[0].count;
}

export async function redis<T>(use: (client: import('ioredis').Redis) => Promise<T>): Promise<T> {
  const { Redis } = await import('ioredis');
  const client = new Redis(scene.services.redisUrl);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

export async function forgetLimits(): Promise<void> {
  await redis((client) => client.flushall());
}
