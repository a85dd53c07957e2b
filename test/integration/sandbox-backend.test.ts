import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as openRequest } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeJson } from '../../src/adapters/files.ts';
import { packageRoot } from '../../src/adapters/package-root.ts';
import { freePorts } from '../../src/adapters/ports.ts';
import { mintTokens } from '../../src/sandbox/backend/tokens.ts';
import type { SandboxConfig } from '../../src/sandbox/config.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import { sandboxAdmin, sandboxStudents, seed } from '../../src/sandbox/seed.ts';
import { startTestServices, type TestServices } from '../support/services.ts';

const studentCount = 80;
const nobody = '00000000-0000-4000-8000-000000000000';

let services: TestServices;
let database: pg.Pool;
let platform: Platform;
let admin: string;
let students: { userId: string; email: string; token: string }[];
let nextStudent = 0;

beforeAll(async () => {
  services = await startTestServices();
  await seed(services.databaseUrl, { students: studentCount });
  database = new pg.Pool({ connectionString: services.databaseUrl });
  platform = await startPlatform({
    workers: 2,
    databaseUrl: services.databaseUrl,
    redisUrl: services.redisUrl,
  });
  const [adminIdentity] = await mintTokens(platform.config, [sandboxAdmin]);
  admin = adminIdentity?.token ?? '';
  students = await mintTokens(platform.config, sandboxStudents(studentCount));
});

afterAll(async () => {
  await platform?.stop();
  await database?.end();
  await services?.stop();
});

afterEach(() => platform.breakWith());

describe('the seed', () => {
  it('gives each year at least 200 published questions, and each question its version', async () => {
    const { rows } = await database.query(
      `SELECT year_id, count(*)::int AS questions, count(version.id)::int AS versions
         FROM questions LEFT JOIN question_versions version ON version.question_id = questions.id
        WHERE status = 'PUBLISHED' GROUP BY year_id ORDER BY year_id`,
    );
    expect(rows.map(({ year_id }) => year_id)).toEqual([1, 2]);
    for (const { questions, versions } of rows) {
      expect(questions).toBeGreaterThanOrEqual(200);
      expect(versions).toBe(questions);
    }
  });

  it('gives the students the ids that can be computed without the database', async () => {
    const expected = sandboxStudents(studentCount).map(({ id, email }) => ({ id, email }));
    const { rows } = await database.query(
      "SELECT id, email FROM users WHERE role = 'STUDENT' ORDER BY email",
    );
    expect(rows).toEqual(expected);
  });

  it('protects the events from changes, also through their session', async () => {
    const { id } = await newSession(student());
    const change = "UPDATE attempt_events SET event_type = 'X' WHERE session_id = $1";
    await expect(database.query(change, [id])).rejects.toMatchObject({ code: '23000' });
    await expect(database.query('DELETE FROM test_sessions WHERE id = $1', [id])).rejects.toMatchObject({
      code: '23000',
    });
  });
});

describe('conventions', () => {
  it('echoes the request id and tells what the database cost', async () => {
    const answer = await call('GET', '/auth/me', {
      token: student().token,
      headers: { 'x-request-id': 'abc-1' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-request-id': 'abc-1',
      'cache-control': 'no-store',
      'x-origin': 'api',
      'x-db-queries': '1',
    });
    expect(Number(answer.headers['x-response-time-ms'])).toBeGreaterThan(0);
  });

  it('answers 401 in the format of revision R2', async () => {
    const { status, body } = await call('GET', '/auth/me', { headers: { 'x-request-id': 'abc-2' } });
    expect(status).toBe(401);
    expect(body).toEqual({
      error_code: 'UNAUTHORIZED',
      message: expect.any(String),
      details: null,
      request_id: 'abc-2',
    });
  });

  it('tells an unknown path from a wrong method', async () => {
    expect(await call('GET', '/nowhere')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
    const wrong = await call('GET', '/auth/login');
    expect(wrong).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
  });

  it('names each invalid field with 422', async () => {
    const { status, body } = await call('POST', '/sessions', {
      token: student().token,
      body: { year: 3, blocks: ['A'], count: 20 },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ error_code: 'VALIDATION_ERROR', details: [{ field: 'year' }] });
  });

  it('refuses a body over 2 MB', async () => {
    const body = { email: 'x'.repeat(2_200_000) };
    const answer = await call('POST', '/auth/login', { body });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'PAYLOAD_TOO_LARGE' } } });
  });

  it('is healthy at the root and under the base path, and ready with 200', async () => {
    const address = platform.workerAddress(1);
    expect(await send('GET', `${address}/health`)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await send('GET', `${address}/ready`)).toMatchObject({ status: 404 });
    const ready = { status: 'ok', checks: { db: { status: 'ok' }, redis: { status: 'ok' } } };
    expect(await call('GET', '/ready')).toMatchObject({ status: 200, body: ready });
  });

  it('counts requests for Prometheus, each worker its own', async () => {
    const path = `/v1/sessions/${randomUUID()}`;
    await send('GET', `${platform.workerAddress(1)}${path}`);
    const counted = `http_requests_total{method="GET",route="${path}",status="401"} 1`;
    expect((await send('GET', `${platform.workerAddress(1)}/metrics`)).body).toContain(counted);
    expect((await send('GET', `${platform.workerAddress(2)}/metrics`)).body).not.toContain(counted);
  });
});

describe('logging in', () => {
  it('gives tokens that work, rotates them, and notices the reuse of a refresh token', async () => {
    await forgetLimits();
    const email = sandboxStudents(studentCount)[0]?.email.toUpperCase();
    const login = await call('POST', '/auth/login', { body: { email, password: 'sandbox' } });
    expect(login).toMatchObject({ status: 200, body: { user: { role: 'STUDENT' }, mfa_required: false } });
    const { access_token: token, refresh_token } = login.body.tokens;
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ role: 'STUDENT', type: 'access', sub: students[0]?.userId });
    expect(claims.exp - claims.iat).toBe(900);
    expect(await call('GET', '/auth/me', { token })).toMatchObject({ status: 200 });

    const rotated = await call('POST', '/auth/refresh', { body: { refresh_token } });
    expect(rotated.status).toBe(200);
    const reused = await call('POST', '/auth/refresh', { body: { refresh_token } });
    expect(reused).toMatchObject({ status: 401, body: { error_code: 'REFRESH_TOKEN_REUSE' } });
    const family = await call('POST', '/auth/refresh', {
      body: { refresh_token: rotated.body.tokens.refresh_token },
    });
    expect(family.status).toBe(401);
    expect(platform.log('backend')).toContain('"event": "auth_login_success"');
  });

  it('counts the failures, and everybody behind the edge shares five attempts a minute', async () => {
    await forgetLimits();
    const body = { email: 'admin@sandbox.local', password: 'wrong' };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await call('POST', '/auth/login', { body })).toMatchObject({ status: 401 });
    }
    const limited = await call('POST', '/auth/login', { body: { ...body, email: 'student@x.y' } });
    expect(limited).toMatchObject({
      status: 429,
      headers: { 'retry-after': '60' },
      body: { error_code: 'RATE_LIMITED', details: { retry_after_seconds: 60 } },
    });
    await forgetLimits();
  });

  it('ends a login at once when the role changes', async () => {
    const owner = student();
    await database.query("UPDATE users SET role = 'REVIEWER' WHERE id = $1", [owner.userId]);
    expect(await call('GET', '/auth/me', { token: owner.token })).toMatchObject({ status: 401 });
    await database.query("UPDATE users SET role = 'STUDENT', is_active = false WHERE id = $1", [
      owner.userId,
    ]);
    expect(await call('GET', '/auth/me', { token: owner.token })).toMatchObject({ status: 403 });
  });
});

describe('a session', () => {
  it('stores each answer once, the last one wins, and every change has its event', async () => {
    const owner = student();
    const session = await newSession(owner);
    const [questionId = ''] = session.questionIds;
    const first = await answer(owner, session.id, questionId, 1);
    expect(first.body.answer).toMatchObject({ question_id: questionId, selected_index: 1, changed_count: 0 });
    expect(first.body.progress).toMatchObject({ answered_count: 1, current_position: 2 });
    const second = await answer(owner, session.id, questionId, 3);
    expect(second.body.answer).toMatchObject({
      id: first.body.answer.id,
      selected_index: 3,
      changed_count: 1,
    });
    const cleared = await answer(owner, session.id, questionId, null);
    expect(cleared.body.answer).toMatchObject({ selected_index: null, is_correct: null, changed_count: 2 });
    expect(cleared.body.answer.answered_at).not.toBeNull();

    const { rows } = await database.query('SELECT * FROM session_answers WHERE session_id = $1', [
      session.id,
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ selected_index: null, is_correct: null, changed_count: 2 });
    expect(
      (await eventsOf(session.id)).map(({ event_type, payload }) => [event_type, payload.selected_index]),
    ).toEqual([
      ['SESSION_CREATED', undefined],
      ['ANSWER_SUBMITTED', 1],
      ['ANSWER_SUBMITTED', 3],
      ['ANSWER_SUBMITTED', null],
    ]);
  });

  it('is scored from the frozen questions, and submitting again gives the same result', async () => {
    const owner = student();
    const session = await newSession(owner);
    const { rows: frozen } = await database.query(
      `SELECT question_id, (snapshot_json ->> 'correct_index')::int AS correct FROM session_questions
        WHERE session_id = $1 ORDER BY position`,
      [session.id],
    );
    for (const { question_id, correct } of frozen.slice(0, 7)) {
      const { body } = await answer(owner, session.id, question_id, correct);
      expect(body.answer.is_correct).toBe(true);
    }
    const { question_id, correct } = frozen[7];
    expect((await answer(owner, session.id, question_id, (correct + 1) % 5)).body.answer.is_correct).toBe(
      false,
    );

    const submitted = await submit(owner, session.id);
    const score = { status: 'SUBMITTED', score_correct: 7, score_total: 10, score_pct: 70 };
    expect(submitted).toMatchObject({ status: 200, body: { session_id: session.id, ...score } });
    expect((await submit(owner, session.id)).body).toEqual(submitted.body);
    const events = (await eventsOf(session.id)).filter(
      ({ event_type }) => event_type === 'SESSION_SUBMITTED',
    );
    expect(events).toHaveLength(1);
    expect(events[0]?.source).toBe('api');

    const late = await answer(owner, session.id, question_id, 0);
    expect(late).toMatchObject({
      status: 400,
      body: { error_code: 'HTTP_ERROR', message: 'Session is not active' },
    });
    const review = await call('GET', `/sessions/${session.id}/review`, { token: owner.token });
    expect(review.body.items[0]).toMatchObject({ question: { correct_index: frozen[0].correct } });
  });

  it('logs an event for each submit-thin, with the one score', async () => {
    const owner = student();
    const { id } = await newSession(owner);
    for (let call_ = 0; call_ < 3; call_ += 1) {
      const { status } = await call('POST', `/sessions/${id}/submit-thin`, { token: owner.token });
      expect(status).toBe(200);
    }
    const events = (await eventsOf(id)).filter(({ event_type }) => event_type === 'SESSION_SUBMITTED');
    expect(events).toHaveLength(3);
    expect(new Set(events.map(({ payload }) => payload.score_correct)).size).toBe(1);
  });

  it('shows its questions without the solutions', async () => {
    const owner = student();
    const session = await newSession(owner);
    const { body } = await call('GET', `/sessions/${session.id}`, { token: owner.token });
    expect(body.questions).toHaveLength(10);
    expect(body.questions[0]).toEqual({
      position: 1,
      question_id: session.questionIds[0],
      has_answer: false,
      marked_for_review: false,
    });
    expect(body.current_question).toMatchObject({ position: 1, stem: expect.any(String) });
    expect(JSON.stringify(body)).not.toContain('correct_index');
    const prefetched = await call('GET', `/sessions/${session.id}/questions/prefetch?from=2&count=3`, {
      token: owner.token,
    });
    expect(prefetched.body.items.map(({ index }: { index: number }) => index)).toEqual([2, 3, 4]);
    const state = await call('GET', `/sessions/${session.id}/state`, { token: owner.token });
    expect(state.body.server_now).not.toMatch(/Z$/);
  });

  it('belongs to its student', async () => {
    const { id } = await newSession(student());
    const path = `/sessions/${id}`;
    expect(await call('GET', path, { token: student().token })).toMatchObject({ status: 403 });
    expect(await call('GET', path, { token: admin })).toMatchObject({ status: 403 });
    const missing = { status: 404, body: { error_code: 'HTTP_ERROR' } };
    expect(await call('GET', `/sessions/${nobody}`, { token: admin })).toMatchObject(missing);
    expect(await answer(student(), nobody, nobody, 1)).toMatchObject(missing);
    expect(await submit(student(), nobody)).toMatchObject(missing);
  });

  it('ends when somebody looks at it after its time, without an event', async () => {
    const owner = student();
    const { id } = await newSession(owner, { duration_seconds: 60 });
    await database.query("UPDATE test_sessions SET expires_at = now() - interval '1 second' WHERE id = $1", [
      id,
    ]);
    const { body } = await call('GET', `/sessions/${id}`, { token: owner.token });
    expect(body.session).toMatchObject({
      status: 'EXPIRED',
      score_correct: 0,
      score_total: 10,
      score_pct: 0,
    });
    expect(body.session.submitted_at).not.toBeNull();
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it('can be submitted after its time', async () => {
    const owner = student();
    const { id } = await newSession(owner, { duration_seconds: 60 });
    await database.query("UPDATE test_sessions SET expires_at = now() - interval '1 second' WHERE id = $1", [
      id,
    ]);
    expect((await submit(owner, id)).body.status).toBe('SUBMITTED');
  });

  it('has the same questions for the same student all day', async () => {
    const owner = student();
    expect((await newSession(owner)).questionIds).toEqual((await newSession(owner)).questionIds);
    expect((await newSession(student())).questionIds).not.toEqual((await newSession(owner)).questionIds);
  });

  it('is refused for a block of another year', async () => {
    const body = { year: 2, blocks: ['B'], count: 10 };
    const refused = await call('POST', '/sessions', { token: student().token, body });
    expect(refused).toMatchObject({ status: 400, body: { details: { error: 'NOT_ENOUGH_QUESTIONS' } } });
  });

  it('gives the loser of two first answers that race the stored row', async () => {
    const owner = student();
    const session = await newSession(owner);
    for (const questionId of session.questionIds) {
      const answers = await Promise.all(
        [0, 1, 2, 3].map((index) => answer(owner, session.id, questionId, index)),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    }
    const { rows } = await database.query(
      'SELECT count(*)::int AS answers, count(DISTINCT question_id)::int AS questions FROM session_answers WHERE session_id = $1',
      [session.id],
    );
    expect(rows[0]).toEqual({ answers: 10, questions: 10 });
  });

  it('may be created ten times a minute, and each refused try renews the minute', async () => {
    const owner = student();
    for (let number = 0; number < 10; number += 1) await newSession(owner);
    const body = { year: 1, blocks: ['A'], count: 10 };
    const refused = await call('POST', '/sessions', { token: owner.token, body });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    const key = `rl:sessions.create:user:${owner.userId}:60`;
    await redis((client) => client.call('EXPIRE', key, 5));
    await call('POST', '/sessions', { token: owner.token, body });
    expect(await redis((client) => client.call('TTL', key))).toBeGreaterThan(50);
  });
});

describe('exam mode', () => {
  const toggle = (enabled: boolean, more: object = {}, address?: string) =>
    call('POST', '/admin/system/exam-mode', {
      token: admin,
      ...(address === undefined ? {} : { address }),
      body: {
        enabled,
        reason: 'test',
        confirmation_phrase: enabled ? 'ENABLE EXAM MODE' : 'DISABLE EXAM MODE',
        ...more,
      },
    });
  const rank = (address: string) => call('POST', '/admin/rank/runs', { address });

  it('is at once in the worker that served the toggle, up to 10 s later in the other, before authentication', async () => {
    const [one, two] = [platform.workerAddress(1), platform.workerAddress(2)];
    expect([(await rank(one)).status, (await rank(two)).status]).toEqual([401, 401]);
    expect((await toggle(true, {}, one)).body).toMatchObject({ enabled: true, source: 'db' });
    expect(await rank(one)).toMatchObject({
      status: 423,
      body: { error_code: 'EXAM_MODE_ACTIVE', details: { action: 'rank_run' } },
    });
    expect((await rank(two)).status).toBe(401);
    await sleep(10_200);
    expect((await rank(two)).status).toBe(423);

    const drain = { status: 401 };
    expect(await call('POST', '/admin/email/outbox/drain', { address: one })).toMatchObject(drain);
    const asAdmin = await call('POST', '/admin/email/outbox/drain', { address: one, token: admin });
    expect(asAdmin).toMatchObject({ status: 423, body: { details: { action: 'email_outbox_drain' } } });
    expect((await call('POST', '/admin/ranking/compute', { address: one })).status).toBe(401);

    platform.breakWith('exam-mode-gap');
    await sleep(300);
    expect([(await rank(one)).status, (await rank(two)).status]).toEqual([401, 401]);
    expect((await call('POST', '/admin/irt/runs', { address: two })).status).toBe(423);

    expect((await newSession(student())).id).toMatch(/-/);
    await toggle(false, {}, one);
    await toggle(false, {}, two);
    const { rows } = await database.query(
      "SELECT before, after, meta ->> 'reason' AS reason FROM audit_log WHERE action = 'EXAM_MODE_CHANGED' ORDER BY created_at",
    );
    expect(rows[0]).toEqual({ before: { enabled: false }, after: { enabled: true }, reason: 'test' });
    expect(rows).toHaveLength(3);
  });

  it('runs a heavy operation for an admin, and records it, when it is off', async () => {
    const before = await runsOf('graph_full_sync');
    const { status } = await call('POST', '/admin/graph/sync/full', { token: admin, body: {} });
    expect(status).toBe(202);
    expect(await call('POST', '/admin/graph/sync/full', { token: student().token })).toMatchObject({
      status: 403,
    });
    expect(await runsOf('graph_full_sync')).toBe(before + 1);
  });

  it('is only switched with the exact phrase, a reason, the role, and without an admin freeze', async () => {
    const code = (error_code: string) => ({ body: { error_code } });
    const phrase = await toggle(true, { confirmation_phrase: 'enable exam mode' });
    expect(phrase).toMatchObject({ status: 400, ...code('INVALID_CONFIRMATION_PHRASE') });
    expect(await toggle(true, { reason: ' ' })).toMatchObject({ status: 400, ...code('REASON_REQUIRED') });
    const asStudent = await call('POST', '/admin/system/exam-mode', { token: student().token, body: {} });
    expect(asStudent.status).toBe(403);
    const freeze = (value: boolean) => ({
      token: admin,
      body: { freeze: value, reason: 'test', confirmation_phrase: 'SET ADMIN FREEZE' },
    });
    expect((await call('POST', '/admin/security/freeze', freeze(true))).body).toMatchObject({
      admin_freeze: true,
    });
    expect(await toggle(true)).toMatchObject({ status: 423, ...code('ADMIN_FREEZE') });
    await call('POST', '/admin/security/freeze', freeze(false));
  });

  it('leaves its trace in switch_audit_log when set by the runtime flags', async () => {
    const body = { key: 'EXAM_MODE', value: false, reason: 'test', confirmation_phrase: 'DISABLE EXAM MODE' };
    const { status } = await call('POST', '/admin/runtime/flags', { token: admin, body });
    expect(status).toBe(200);
    const { rows } = await database.query('SELECT action_type, after, reason FROM switch_audit_log');
    expect(rows).toEqual([
      { action_type: 'FLAG_SET', after: { key: 'EXAM_MODE', value: false }, reason: 'test' },
    ]);
    const { body: status_ } = await call('GET', '/admin/runtime/status', { token: admin });
    expect(status_.resolved.exam_mode).toBe(false);
  });
});

describe('defects', () => {
  it('lost-answers acknowledges and logs one answer in 50, but does not store it', async () => {
    const owner = student();
    const session = await newSession(owner, { count: 60 });
    await broken('lost-answers');
    const address = platform.workerAddress(1);
    for (const questionId of session.questionIds) {
      const { status, body } = await answer(owner, session.id, questionId, 2, address);
      expect(status).toBe(200);
      expect(body.answer).toMatchObject({ question_id: questionId, selected_index: 2 });
    }
    const { rows } = await database.query(
      'SELECT count(*)::int AS stored FROM session_answers WHERE session_id = $1',
      [session.id],
    );
    expect(rows[0].stored).toBe(58);
    const events = (await eventsOf(session.id)).filter(({ event_type }) => event_type === 'ANSWER_SUBMITTED');
    expect(events).toHaveLength(60);
  });

  it('double-submit counts every second submit twice, with different scores', async () => {
    await broken('double-submit');
    const submits = [];
    for (let number = 0; number < 4; number += 1) submits.push(await submittedSession());
    const counts = await Promise.all(
      submits.map(async ({ id }) =>
        (await eventsOf(id))
          .filter(({ event_type }) => event_type === 'SESSION_SUBMITTED')
          .map(({ payload }) => payload.score_correct),
      ),
    );
    expect(counts).toEqual([[0, 1], [0], [0, 1], [0]]);
  });

  it('unscored-sessions leaves one in 20 without a score', async () => {
    await broken('unscored-sessions');
    const [first, second] = [await submittedSession(), await submittedSession()];
    const none = { status: 'SUBMITTED', score_correct: null, score_total: null, score_pct: null };
    expect(await sessionRow(first.id)).toMatchObject(none);
    expect(await sessionRow(second.id)).toMatchObject({ score_correct: 0, score_total: 10 });
  });

  it('slow-queries makes answers slow and says so in the log', async () => {
    const owner = student();
    const session = await newSession(owner);
    await broken('slow-queries');
    const started = performance.now();
    const { status } = await answer(owner, session.id, session.questionIds[0] ?? '', 2);
    expect(status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(700);
    expect(platform.log('backend')).toMatch(/"event": "slow_sql", "severity": "error", .*pg_sleep/);
    expect(platform.log('backend')).toMatch(
      /"path": "[^"]*\/answer", "route": "\/\{session_id\}\/answer", .*"severity": "warn"/,
    );
  });

  it('missing-audit-trail writes no events and no request ids, but stores everything', async () => {
    const owner = student();
    const session = await newSession(owner);
    await broken('missing-audit-trail');
    const requestId = randomUUID();
    await answer(owner, session.id, session.questionIds[0] ?? '', 2);
    await call('POST', `/sessions/${session.id}/submit`, {
      token: owner.token,
      headers: { 'x-request-id': requestId },
    });
    await sleep(50);
    expect((await eventsOf(session.id)).map(({ event_type }) => event_type)).toEqual(['SESSION_CREATED']);
    expect(await sessionRow(session.id)).toMatchObject({ status: 'SUBMITTED', score_total: 10 });
    const lines = platform.log('backend').split('\n');
    expect(lines.filter((line) => line.includes(requestId) && line.includes('request.end'))).toEqual([]);
    const ends = lines.filter(
      (line) => line.includes(`${session.id}/submit`) && line.includes('request.end'),
    );
    expect(ends).toHaveLength(1);
  });

  it('server-errors fails 3 answers of 100 as unhandled errors and loses none that it acknowledged', async () => {
    const owner = student();
    const session = await newSession(owner);
    const address = platform.workerAddress(1);
    await broken('server-errors');
    const questionId = session.questionIds[0] ?? '';
    const failed = [];
    for (let number = 0; number < 100; number += 1) {
      const given = await answer(owner, session.id, questionId, number % 5, address);
      if (given.status !== 200) failed.push(given);
    }
    expect(failed).toHaveLength(3);
    const [first] = failed;
    expect(first).toMatchObject({
      status: 500,
      body: { error_code: 'INTERNAL_ERROR', request_id: expect.any(String) },
    });
    expect(Object.keys(first?.headers ?? {}).filter((name) => name.startsWith('x-'))).toEqual([]);
    const log = platform.log('backend-1');
    expect(log).toMatch(/"event": "request.end".*|"status_code": null, /);
    expect(log).toContain(`"status_code": null`);
    expect(log).toContain('Traceback (most recent call last):');
    expect((await eventsOf(session.id)).length).toBe(98);
    const metrics = await send('GET', `${address}/metrics`);
    expect(metrics.body).not.toContain('status="500"');
  });

  it('drops the connection after an unhandled error', async () => {
    const owner = student();
    const session = await newSession(owner);
    await broken('server-errors');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets: Socket[] = [];
    const status = await new Promise((resolve, reject) => {
      const outgoing = openRequest(`${platform.workerAddress(2)}/v1/sessions/${session.id}/answer`, {
        method: 'POST',
        agent,
        headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/json' },
      });
      outgoing.once('socket', (socket) => sockets.push(socket));
      outgoing.once('response', (response) =>
        response.resume().once('end', () => resolve(response.statusCode)),
      );
      outgoing.once('error', reject);
      outgoing.end(JSON.stringify({ question_id: session.questionIds[0], selected_index: 1 }));
    });
    expect(status).toBe(500);
    await sleep(100);
    expect(sockets[0]?.destroyed).toBe(true);
    agent.destroy();
  });

  it('connection-leak loses a connection a second and gives all back when it is mended', async () => {
    await broken('connection-leak');
    await sleep(4_200);
    const leaked = async () =>
      (
        await database.query(
          `SELECT count(*)::int AS count FROM pg_stat_activity
            WHERE application_name = 'examplatform-backend-1' AND state = 'idle in transaction'`,
        )
      ).rows[0].count;
    expect(await leaked()).toBeGreaterThanOrEqual(3);
    platform.breakWith();
    await expect.poll(leaked, { timeout: 3_000 }).toBe(0);
  });

  it('stuck-restart keeps a worker that starts from getting ready, and the edge uses the other', async () => {
    await broken('stuck-restart');
    await platform.restart('backend-2', { ready: false });
    const stuck = `${platform.workerAddress(2)}/health`;
    await expect.poll(() => statusOf(stuck), { timeout: 8_000 }).toBe(503);
    await sleep(600);
    for (let number = 0; number < 6; number += 1) expect((await call('GET', '/health')).status).toBe(200);
    platform.breakWith();
    await expect.poll(() => statusOf(stuck), { timeout: 8_000 }).toBe(200);
  });
});

describe('the edge', () => {
  it('sends requests to the workers that are left when one is killed, without an error', async () => {
    const owner = student();
    const session = await newSession(owner);
    platform.kill('backend-1');
    await expect.poll(() => statusOf(`${platform.workerAddress(1)}/health`)).toBe(0);
    const statuses = [];
    for (let number = 0; number < 10; number += 1) {
      statuses.push((await answer(owner, session.id, session.questionIds[number] ?? '', 1)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    platform.kill('backend-2');
    await expect.poll(() => statusOf(`${platform.workerAddress(2)}/health`)).toBe(0);
    expect(await call('GET', '/health')).toMatchObject({ status: 502, body: 'Bad Gateway' });
    await Promise.all([platform.restart('backend-1'), platform.restart('backend-2')]);
    await expect.poll(async () => (await call('GET', '/health')).status).toBe(200);
    const line = platform
      .log('edge')
      .split('\n')
      .find((text) => text.includes('/answer'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      method: 'POST',
      status: 200,
      upstream: expect.any(String),
    });
  });

  it('never repeats a request that a worker may have got', async () => {
    const received: string[] = [];
    const vanishing = createServer((socket) =>
      socket.on('data', (data) => {
        received.push(data.toString());
        if (data.toString().includes('/answer')) socket.destroy();
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
      }),
    );
    const port = await listening(vanishing);
    const config = { ...platform.config, ports: { ...platform.config.ports, backend: [port, port] } };
    const edge = await startEdge(config);
    try {
      const { status } = await send('POST', `${edge.address}/v1/sessions/x/answer`, { body: {} });
      expect(status).toBe(502);
      expect(received.filter((text) => text.includes('/answer'))).toHaveLength(1);
    } finally {
      await edge.stop();
      vanishing.close();
    }
  });
});

describe('the background jobs', () => {
  it('run under a lease, and not in exam mode, and one of them runs on with unstoppable-job', async () => {
    const succeeded = async () => {
      const { rows } = await database.query(
        "SELECT job_key FROM job_run WHERE status = 'SUCCEEDED' AND job_key IN ('revision_queue_regen', 'warehouse_incremental_export') GROUP BY job_key",
      );
      return rows.length;
    };
    const running = async () =>
      (await database.query("SELECT job_key FROM job_run WHERE status = 'RUNNING'")).rows.map(
        ({ job_key }) => job_key,
      );
    platform.startJobs();
    await expect.poll(succeeded, { timeout: 8_000 }).toBe(2);
    const { rows } = await database.query('SELECT job_key, locked_by FROM job_lock ORDER BY job_key');
    expect(rows).toMatchObject([
      { job_key: 'revision_queue_regen' },
      { job_key: 'warehouse_incremental_export' },
    ]);
    expect(rows[0].locked_by).toMatch(/-127\.0\.0\.1$/);

    await database.query("UPDATE system_flags SET value = true WHERE key = 'EXAM_MODE'");
    await expect
      .poll(() => platform.log('jobs'), { timeout: 8_000 })
      .toContain('Job revision_queue_regen skipped: Exam mode is enabled');
    await expect.poll(running).toEqual([]);

    await broken('unstoppable-job');
    await expect.poll(running, { timeout: 8_000 }).toContain('revision_queue_regen');
    await sleep(1_000);
    expect(await running()).toContain('revision_queue_regen');
    const states = JSON.parse(readFileSync(join(platform.config.folder, 'jobs-state.json'), 'utf8'));
    expect(states.revision_queue_regen).toMatchObject({ running: true, lastRun: expect.any(String) });
    platform.breakWith();
    await expect.poll(running, { timeout: 5_000 }).toEqual([]);
    await database.query("UPDATE system_flags SET value = false WHERE key = 'EXAM_MODE'");

    writeJson(join(platform.config.folder, 'jobs.json'), { revision_queue_regen: false });
    await sleep(2_500);
    const before = await runsOf('revision_queue_regen');
    await sleep(2_500);
    expect(await runsOf('revision_queue_regen')).toBe(before);
    expect(states.warehouse_incremental_export).toBeDefined();
  });
});

describe('without its neighbours', () => {
  let toDatabase: Relay;
  let toRedis: Relay;
  let lonely: Platform;

  beforeAll(async () => {
    toDatabase = await relayTo(services.databaseUrl);
    toRedis = await relayTo(services.redisUrl);
    lonely = await startPlatform({ workers: 1, databaseUrl: toDatabase.url, redisUrl: toRedis.url });
    students = await mintTokens(lonely.config, sandboxStudents(studentCount));
  });

  afterAll(async () => {
    await lonely.stop();
    await Promise.all([toDatabase.close(), toRedis.close()]);
  });

  it('answers on when Redis refuses connections, and recovers by itself', async () => {
    const address = lonely.workerAddress(1);
    toRedis.refuse();
    const owner = student();
    const session = await newSession(owner, {}, address);
    expect((await answer(owner, session.id, session.questionIds[0] ?? '', 1, address)).status).toBe(200);
    const started = performance.now();
    expect((await submit(owner, session.id, address)).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(500);
    const ready = await call('GET', '/ready', { address });
    expect(ready).toMatchObject({
      status: 200,
      body: { status: 'degraded', checks: { redis: { status: 'degraded' } } },
    });

    lonely.breakWith('rate-limit-fails-closed');
    await sleep(300);
    const another = student();
    const body = { year: 1, blocks: ['A'], count: 10 };
    const created = await call('POST', '/sessions', { token: another.token, body, address });
    expect(created).toMatchObject({ status: 429, body: { error_code: 'RATE_LIMITED' } });
    expect((await answer(owner, session.id, session.questionIds[0] ?? '', 1, address)).status).toBe(500);
    expect((await submit(owner, session.id, address)).status).toBe(429);
    lonely.breakWith();

    await toRedis.accept();
    const recovered = async () => (await call('GET', '/ready', { address })).body.status;
    await expect.poll(recovered, { timeout: 3_000 }).toBe('ok');
  });

  it('takes two seconds for a submit when Redis hangs', async () => {
    const address = lonely.workerAddress(1);
    const owner = student();
    const session = await newSession(owner, {}, address);
    toRedis.hang(true);
    const started = performance.now();
    expect((await submit(owner, session.id, address)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(1_900);
    expect(performance.now() - started).toBeLessThan(3_500);
    toRedis.hang(false);
  });

  it('stays healthy without its database, answers 500, and heals by itself', async () => {
    const address = lonely.workerAddress(1);
    const { token } = student();
    expect((await call('GET', '/auth/me', { token, address })).status).toBe(200);
    toDatabase.refuse();
    expect(await send('GET', `${address}/health`)).toMatchObject({ status: 200 });
    const failed = await call('GET', '/auth/me', { token, address });
    expect(failed).toMatchObject({ status: 500, body: { error_code: 'INTERNAL_ERROR' } });
    const ready = {
      status: 'down',
      checks: { db: { status: 'down', message: expect.stringContaining('127.0.0.1') } },
    };
    expect(await call('GET', '/ready', { address })).toMatchObject({ status: 200, body: ready });
    await toDatabase.accept();
    const recovered = async () => (await call('GET', '/auth/me', { token, address })).status;
    await expect.poll(recovered, { timeout: 3_000 }).toBe(200);
  });

  it('finishes what is under way when it is asked to end, and ends with its supervisor', async () => {
    const address = lonely.workerAddress(1);
    const [identity] = await mintTokens(lonely.config, [sandboxAdmin]);
    const slow = call('POST', '/admin/perf/debug/slow-sql?ms=800', { token: identity?.token ?? '', address });
    await sleep(300);
    const ended = lonely.end('backend-1', 'SIGTERM');
    expect((await slow).status).toBe(200);
    expect(await ended).toBe(0);
    expect(await lonely.end('edge', 'stdin')).toBe(0);
  });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape that it asserts
  readonly body: any;
}

interface CallOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** of a worker; default: the edge */
  readonly address?: string;
}

function call(method: string, path: string, { address = platform.address, ...options }: CallOptions = {}) {
  return send(method, `${address}/v1${path}`, options);
}

/** Over a connection of its own, as each student has one. */
async function send(
  method: string,
  url: string,
  { token, body, headers }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      connection: 'close',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: json ? JSON.parse(text) : text,
  };
}

async function statusOf(url: string): Promise<number> {
  try {
    return (await send('GET', url)).status;
  } catch {
    return 0;
  }
}

type Student = (typeof students)[number];

/** One that no other test has used, so that the rate limits are his own. */
function student(): Student {
  const found = students[nextStudent];
  nextStudent += 1;
  if (found === undefined) throw new Error('the tests need more students');
  return found;
}

async function newSession(owner: Student, more: object = {}, address = platform.address) {
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

function answer(
  owner: Student,
  id: string,
  questionId: string,
  index: number | null,
  address = platform.address,
) {
  const body = { question_id: questionId, selected_index: index };
  return call('POST', `/sessions/${id}/answer`, { token: owner.token, body, address });
}

function submit(owner: Student, id: string, address = platform.address) {
  return call('POST', `/sessions/${id}/submit`, { token: owner.token, address });
}

/** In worker 1, as each worker counts for itself which calls a defect strikes. */
async function submittedSession() {
  const owner = student();
  const session = await newSession(owner);
  const { status } = await submit(owner, session.id, platform.workerAddress(1));
  expect(status).toBe(200);
  return session;
}

async function broken(...defects: DefectId[]): Promise<void> {
  platform.breakWith(...defects);
  await sleep(350);
}

interface EventRow {
  event_type: string;
  source: string;
  payload: Record<string, unknown>;
}

async function eventsOf(sessionId: string): Promise<EventRow[]> {
  const { rows } = await database.query<EventRow>(
    `SELECT event_type, source, payload_json AS payload FROM attempt_events WHERE session_id = $1
      ORDER BY event_ts, created_at`,
    [sessionId],
  );
  return rows;
}

async function sessionRow(id: string) {
  return (await database.query('SELECT * FROM test_sessions WHERE id = $1', [id])).rows[0];
}

async function runsOf(key: string): Promise<number> {
  const { rows } = await database.query('SELECT count(*)::int AS count FROM job_run WHERE job_key = $1', [
    key,
  ]);
  return rows[0].count;
}

async function redis<T>(use: (client: import('ioredis').Redis) => Promise<T>): Promise<T> {
  const { Redis } = await import('ioredis');
  const client = new Redis(services.redisUrl);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function forgetLimits(): Promise<void> {
  await redis((client) => client.flushall());
}

interface Platform {
  readonly config: SandboxConfig;
  /** of the edge */
  readonly address: string;
  workerAddress(number: number): string;
  breakWith(...defects: DefectId[]): void;
  /** what all parts whose name begins so have logged */
  log(part: string): string;
  startJobs(): void;
  kill(part: string): void;
  /** how it ended: its exit code */
  end(part: string, how: 'SIGTERM' | 'stdin'): Promise<number | null>;
  restart(part: string, options?: { ready: boolean }): Promise<void>;
  stop(): Promise<void>;
}

async function startPlatform(wanted: {
  workers: number;
  databaseUrl: string;
  redisUrl: string;
}): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-backend-test-'));
  const [edge = 0, ...backend] = await freePorts(wanted.workers + 1);
  const config: SandboxConfig = {
    folder,
    databaseUrl: wanted.databaseUrl,
    redisUrl: wanted.redisUrl,
    ports: { database: 0, cache: 0, edge, backend },
    basePath: '/v1',
    jwtSigningKey: randomBytes(32).toString('hex'),
    examModeStatus: 423,
    revision: 'R2',
    students: studentCount,
  };
  const configFile = join(folder, 'config.json');
  writeJson(configFile, config);
  const parts = new Map<string, ChildProcess>();
  const start = (part: string) => parts.set(part, startPart(part, configFile, folder));
  const workerAddress = (number: number) => `http://127.0.0.1:${backend[number - 1]}`;

  const kill = (part: string) => parts.get(part)?.kill('SIGKILL');
  for (const index of backend.keys()) start(`backend-${index + 1}`);
  start('edge');
  const address = `http://127.0.0.1:${edge}`;
  await Promise.all([
    untilHealthy(address),
    ...backend.map((_port, index) => untilHealthy(workerAddress(index + 1))),
  ]);

  return {
    config,
    address,
    workerAddress,
    breakWith: (...defects) => writeJson(join(folder, 'defects.json'), defects),
    log: (prefix) =>
      [...parts.keys()]
        .filter((part) => part.startsWith(prefix))
        .map((part) => readFileSync(join(folder, `${part}.log`), 'utf8'))
        .join('\n'),
    startJobs: () => start('jobs'),
    kill,
    async end(part, how) {
      const child = parts.get(part);
      if (child === undefined) throw new Error(`${part} was not started`);
      const code = exitOf(child);
      if (how === 'stdin') child.stdin?.end();
      else child.kill(how);
      return code;
    },
    async restart(part, { ready } = { ready: true }) {
      const child = parts.get(part);
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        kill(part);
        await exitOf(child);
      }
      start(part);
      if (ready) await untilHealthy(workerAddress(Number(part.at(-1))));
    },
    async stop() {
      const living = [...parts.values()].filter(
        ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
      );
      for (const child of living) child.kill('SIGTERM');
      await Promise.all(living.map(exitOf));
      rmSync(folder, { recursive: true });
    },
  };
}

function startPart(part: string, configFile: string, folder: string): ChildProcess {
  const name = `sandbox-${part.replace(/-\d+$/, '')}`;
  const log = openSync(join(folder, `${part}.log`), 'a');
  const args = [
    '--import',
    'tsx',
    'src/cli.ts',
    'internal',
    name,
    '--config',
    configFile,
    '--instance',
    part,
  ];
  return spawn(process.execPath, args, { cwd: packageRoot(), stdio: ['pipe', log, log] });
}

async function untilHealthy(address: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while ((await statusOf(`${address}/health`)) !== 200) {
    if (Date.now() > deadline) throw new Error(`${address} did not become healthy`);
    await sleep(50);
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

async function startEdge(config: SandboxConfig): Promise<{ address: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'examctl-edge-test-'));
  const [edge = 0] = await freePorts(1);
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify({ ...config, folder, ports: { ...config.ports, edge } }));
  const child = startPart('edge', configFile, folder);
  const address = `http://127.0.0.1:${edge}`;
  await untilHealthy(address);
  return {
    address,
    async stop() {
      const ended = exitOf(child);
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** A way to a service that can be cut without touching the service. */
interface Relay {
  readonly url: string;
  refuse(): void;
  accept(): Promise<void>;
  hang(hanging: boolean): void;
  close(): Promise<void>;
}

async function relayTo(target: string): Promise<Relay> {
  const url = new URL(target);
  const port = Number(url.port);
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.once('close', () => {
        sockets.delete(end);
        socket.destroy();
        onward.destroy();
      });
      end.on('error', () => end.destroy());
      if (hanging) end.pause();
    }
    socket.pipe(onward).pipe(socket);
  });
  url.port = String(await listening(server));
  const refuse = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    refuse,
    accept: async () => {
      await listening(server, Number(url.port));
    },
    hang(wanted) {
      hanging = wanted;
      for (const socket of sockets) wanted ? socket.pause() : socket.resume();
    },
    async close() {
      refuse();
    },
  };
}

function listening(server: Server, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
