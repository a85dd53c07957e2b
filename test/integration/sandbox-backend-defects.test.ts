import { randomUUID } from 'node:crypto';
import { Agent, request as openRequest } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  answer,
  broken,
  call,
  eventsOf,
  newSession,
  scene,
  sessionRow,
  student,
  submittedSession,
  useScene,
} from '../support/exam-scene.ts';
import { send, statusOf } from '../support/send.ts';

useScene();

describe('defects', () => {
  it('lost-answers acknowledges and logs one answer in 50, but does not store it', async () => {
    const owner = student();
    const session = await newSession(owner, { count: 60 });
    await broken('lost-answers');
    const address = scene.platform.workerAddress(1);
    for (const questionId of session.questionIds) {
      const { status, body } = await answer(owner, session.id, questionId, 2, address);
      expect(status).toBe(200);
      expect(body.answer).toMatchObject({ question_id: questionId, selected_index: 2 });
    }
    const { rows } = await scene.database.query(
      'SELECT count(*)::int AS stored FROM session_answers WHERE session_id = $1',
      [session.id],
    );
    expect(rows[0].stored).toBe(59);
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
    expect(counts.filter((scores) => scores.length === 2)).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(counts.filter((scores) => scores.length === 1)).toHaveLength(2);
  });

  it('unscored-sessions leaves one in 20 without a score', async () => {
    await broken('unscored-sessions');
    const rows = [];
    for (let number = 0; number < 40; number += 1) rows.push(await sessionRow((await submittedSession()).id));
    const unscored = rows.filter((row) => row?.score_correct === null);
    expect(unscored).toHaveLength(2);
    for (const row of unscored)
      expect(row).toMatchObject({ status: 'SUBMITTED', score_total: null, score_pct: null });
  });

  it('slow-queries makes answers slow and says so in the log', async () => {
    const owner = student();
    const session = await newSession(owner);
    await broken('slow-queries');
    const started = performance.now();
    const { status, headers } = await answer(owner, session.id, session.questionIds[0] ?? '', 2);
    expect(status).toBe(200);
    const ms = performance.now() - started;
    expect(ms).toBeGreaterThan(700);
    const logged = () =>
      scene.platform
        .log('backend')
        .split('\n')
        .filter((line) => line.includes(headers['x-request-id'] ?? 'none'));
    await expect.poll(logged).toContainEqual(expect.stringContaining('"event": "request.end"'));
    expect(logged()).toContainEqual(
      expect.stringMatching(/"event": "slow_sql", "severity": "error", .*pg_sleep/),
    );
    const end = JSON.parse(logged().find((line) => line.includes('request.end')) ?? '');
    expect(end).toMatchObject({ route: '/{session_id}/answer', status_code: 200 });
    expect(end.duration_ms).toBeGreaterThan(700);
    expect(end.severity).toBe(end.duration_ms < 1_500 ? 'warn' : 'error');
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
    const lines = scene.platform.log('backend').split('\n');
    expect(lines.filter((line) => line.includes(requestId) && line.includes('request.end'))).toEqual([]);
    const ends = lines.filter(
      (line) => line.includes(`${session.id}/submit`) && line.includes('request.end'),
    );
    expect(ends).toHaveLength(1);
  });

  it('server-errors fails 3 answers of 100 as unhandled errors and loses none that it acknowledged', async () => {
    const owner = student();
    const session = await newSession(owner);
    const address = scene.platform.workerAddress(1);
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
    const log = scene.platform.log('backend-1');
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
    const send = () =>
      new Promise((resolve, reject) => {
        const url = `${scene.platform.workerAddress(2)}/v1/sessions/${session.id}/answer`;
        const outgoing = openRequest(url, {
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
    let status = await send();
    for (let tries = 0; status === 200 && tries < 40; tries += 1) status = await send();
    expect(status).toBe(500);
    await sleep(100);
    expect(sockets.at(-1)?.destroyed).toBe(true);
    agent.destroy();
  });

  it('connection-leak loses a connection a second and gives all back when it is mended', async () => {
    await broken('connection-leak');
    await sleep(4_200);
    const leaked = async () =>
      (
        await scene.database.query(
          `SELECT count(*)::int AS count FROM pg_stat_activity
            WHERE application_name = 'examplatform-backend-1' AND state = 'idle in transaction'`,
        )
      ).rows[0].count;
    expect(await leaked()).toBeGreaterThanOrEqual(3);
    scene.platform.breakWith();
    await expect.poll(leaked, { timeout: 120_000 }).toBe(0);
  });

  it('slow-restart keeps a worker that starts from getting ready, and the edge uses the other', async () => {
    await broken('slow-restart');
    await scene.platform.restart('backend-2', { ready: false });
    const stuck = `${scene.platform.workerAddress(2)}/health`;
    await expect.poll(() => statusOf(stuck)).toBe(503);
    await sleep(600);
    for (let number = 0; number < 6; number += 1) expect((await call('GET', '/health')).status).toBe(200);
    scene.platform.breakWith();
    // at once: by itself it would be after 25 s
    await expect.poll(() => statusOf(stuck), { timeout: 20_000 }).toBe(200);
  });
});
