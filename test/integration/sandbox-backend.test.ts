import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sandboxStudents } from '../../src/sandbox/seed.ts';
import {
  answer,
  call,
  eventsOf,
  forgetLimits,
  newSession,
  redis,
  scene,
  student,
  submit,
  useScene,
} from '../support/exam-scene.ts';
import { seededStudents } from '../support/sandbox-platform.ts';
import { send } from '../support/send.ts';

const nobody = '00000000-0000-4000-8000-000000000000';

useScene();

describe('the seed', () => {
  it('gives each year at least 200 published questions, and each question its version', async () => {
    const { rows } = await scene.database.query(
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
    const expected = sandboxStudents(seededStudents).map(({ id, email }) => ({ id, email }));
    const { rows } = await scene.database.query(
      "SELECT id, email FROM users WHERE role = 'STUDENT' ORDER BY email",
    );
    expect(rows).toEqual(expected);
  });

  it('protects the events from changes, also through their session', async () => {
    const { id } = await newSession(student());
    const change = "UPDATE attempt_events SET event_type = 'X' WHERE session_id = $1";
    await expect(scene.database.query(change, [id])).rejects.toMatchObject({ code: '23000' });
    await expect(scene.database.query('DELETE FROM test_sessions WHERE id = $1', [id])).rejects.toMatchObject(
      {
        code: '23000',
      },
    );
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
    const address = scene.platform.workerAddress(1);
    expect(await send('GET', `${address}/health`)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await send('GET', `${address}/ready`)).toMatchObject({ status: 404 });
    const ready = { status: 'ok', checks: { db: { status: 'ok' }, redis: { status: 'ok' } } };
    expect(await call('GET', '/ready')).toMatchObject({ status: 200, body: ready });
  });

  it('counts requests for Prometheus, each worker its own', async () => {
    const path = `/v1/sessions/${randomUUID()}`;
    await send('GET', `${scene.platform.workerAddress(1)}${path}`);
    const counted = `http_requests_total{method="GET",route="${path}",status="401"} 1`;
    expect((await send('GET', `${scene.platform.workerAddress(1)}/metrics`)).body).toContain(counted);
    expect((await send('GET', `${scene.platform.workerAddress(2)}/metrics`)).body).not.toContain(counted);
  });
});

describe('logging in', () => {
  it('gives tokens that work, rotates them, and notices the reuse of a refresh token', async () => {
    await forgetLimits();
    const email = sandboxStudents(seededStudents)[0]?.email.toUpperCase();
    const login = await call('POST', '/auth/login', { body: { email, password: 'sandbox' } });
    expect(login).toMatchObject({ status: 200, body: { user: { role: 'STUDENT' }, mfa_required: false } });
    const { access_token: token, refresh_token } = login.body.tokens;
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ role: 'STUDENT', type: 'access', sub: scene.students[0]?.userId });
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
    expect(scene.platform.log('backend')).toContain('"event": "auth_login_success"');
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
    await scene.database.query("UPDATE users SET role = 'REVIEWER' WHERE id = $1", [owner.userId]);
    expect(await call('GET', '/auth/me', { token: owner.token })).toMatchObject({ status: 401 });
    await scene.database.query("UPDATE users SET role = 'STUDENT', is_active = false WHERE id = $1", [
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

    const { rows } = await scene.database.query('SELECT * FROM session_answers WHERE session_id = $1', [
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
    const { rows: frozen } = await scene.database.query(
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
    expect(await call('GET', path, { token: scene.admin })).toMatchObject({ status: 403 });
    const missing = { status: 404, body: { error_code: 'HTTP_ERROR' } };
    expect(await call('GET', `/sessions/${nobody}`, { token: scene.admin })).toMatchObject(missing);
    expect(await answer(student(), nobody, nobody, 1)).toMatchObject(missing);
    expect(await submit(student(), nobody)).toMatchObject(missing);
  });

  it('ends when somebody looks at it after its time, without an event', async () => {
    const owner = student();
    const { id } = await newSession(owner, { duration_seconds: 60 });
    await scene.database.query(
      "UPDATE test_sessions SET expires_at = now() - interval '1 second' WHERE id = $1",
      [id],
    );
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
    await scene.database.query(
      "UPDATE test_sessions SET expires_at = now() - interval '1 second' WHERE id = $1",
      [id],
    );
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
    const { rows } = await scene.database.query(
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
