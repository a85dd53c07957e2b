import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeJson } from '../../src/adapters/files.ts';
import { broken, call, newSession, runsOf, scene, student, useScene } from '../support/exam-scene.ts';
import { startPlatform } from '../support/sandbox-platform.ts';
import { send } from '../support/send.ts';

useScene();

describe('exam mode', () => {
  const toggle = (enabled: boolean, more: object = {}, address?: string) =>
    call('POST', '/admin/system/exam-mode', {
      token: scene.admin,
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
    const [one, two] = [scene.platform.workerAddress(1), scene.platform.workerAddress(2)];
    expect([(await rank(one)).status, (await rank(two)).status]).toEqual([401, 401]);
    expect((await toggle(true, {}, one)).body).toMatchObject({ enabled: true, source: 'db' });
    expect(await rank(one)).toMatchObject({
      status: 423,
      body: { error_code: 'EXAM_MODE_ACTIVE', details: { action: 'rank_run' } },
    });
    expect((await rank(two)).status).toBe(401);
    await expect.poll(async () => (await rank(two)).status).toBe(423);

    const drain = { status: 401 };
    expect(await call('POST', '/admin/email/outbox/drain', { address: one })).toMatchObject(drain);
    const asAdmin = await call('POST', '/admin/email/outbox/drain', { address: one, token: scene.admin });
    expect(asAdmin).toMatchObject({ status: 423, body: { details: { action: 'email_outbox_drain' } } });
    expect((await call('POST', '/admin/ranking/compute', { address: one })).status).toBe(401);

    scene.platform.breakWith('exam-mode-gap');
    const both = async () => [(await rank(one)).status, (await rank(two)).status];
    await expect.poll(both).toEqual([401, 401]);
    expect((await call('POST', '/admin/irt/runs', { address: two })).status).toBe(423);

    expect((await newSession(student())).id).toMatch(/-/);
    await toggle(false, {}, one);
    await toggle(false, {}, two);
    const { rows } = await scene.database.query(
      "SELECT before, after, meta ->> 'reason' AS reason FROM audit_log WHERE action = 'EXAM_MODE_CHANGED' ORDER BY created_at",
    );
    expect(rows[0]).toEqual({ before: { enabled: false }, after: { enabled: true }, reason: 'test' });
    expect(rows).toHaveLength(3);
  });

  it('runs a heavy operation for an admin, and records it, when it is off', async () => {
    const before = await runsOf('graph_full_sync');
    const { status } = await call('POST', '/admin/graph/sync/full', { token: scene.admin, body: {} });
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
      token: scene.admin,
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
    const { status } = await call('POST', '/admin/runtime/flags', { token: scene.admin, body });
    expect(status).toBe(200);
    const { rows } = await scene.database.query('SELECT action_type, after, reason FROM switch_audit_log');
    expect(rows).toEqual([
      { action_type: 'FLAG_SET', after: { key: 'EXAM_MODE', value: false }, reason: 'test' },
    ]);
    const { body: status_ } = await call('GET', '/admin/runtime/status', { token: scene.admin });
    expect(status_.resolved.exam_mode).toBe(false);
  });
});

describe('revision R1 with the status of the planning documents', () => {
  it('blocks with 403, and has its own error bodies and log lines', async () => {
    const { databaseUrl, redisUrl } = scene.services;
    const old = await startPlatform({
      workers: 1,
      databaseUrl,
      redisUrl,
      examModeStatus: 403,
      revision: 'R1',
    });
    try {
      const address = old.workerAddress(1);
      const anonymous = await call('GET', '/auth/me', { address, headers: { 'x-request-id': 'old-1' } });
      expect(anonymous.body).toEqual({
        error: { code: 'UNAUTHORIZED', message: expect.any(String), details: null, request_id: 'old-1' },
      });
      const body = { enabled: true, reason: 'test', confirmation_phrase: 'ENABLE EXAM MODE' };
      expect(
        (await call('POST', '/admin/system/exam-mode', { address, token: scene.admin, body })).status,
      ).toBe(200);
      const blocked = await call('POST', '/admin/rank/runs', { address });
      expect(blocked).toMatchObject({ status: 403, body: { error: { code: 'HTTP_ERROR' } } });
      expect((await send('GET', `${address}/metrics`)).status).toBe(404);
      const line = old
        .log('backend')
        .split('\n')
        .find((text) => text.includes('old-1'));
      expect(JSON.parse(line ?? '')).toMatchObject({
        event: 'request',
        path: '/v1/auth/me',
        status_code: 401,
      });
      expect(line).toMatch(/"total_ms": [\d.]+, "db_query_count": 0, /);
    } finally {
      await scene.database.query("UPDATE system_flags SET value = false WHERE key = 'EXAM_MODE'");
      await old.stop();
    }
  });
});

describe('the background jobs', () => {
  it('run under a lease, and not in exam mode, and one of them runs on with unstoppable-job', async () => {
    const succeeded = async () => {
      const { rows } = await scene.database.query(
        "SELECT job_key FROM job_run WHERE status = 'SUCCEEDED' AND job_key IN ('revision_queue_regen', 'warehouse_incremental_export') GROUP BY job_key",
      );
      return rows.length;
    };
    const running = async () =>
      (await scene.database.query("SELECT job_key FROM job_run WHERE status = 'RUNNING'")).rows.map(
        ({ job_key }) => job_key,
      );
    scene.platform.startJobs();
    await expect.poll(succeeded).toBe(2);
    const { rows } = await scene.database.query('SELECT job_key, locked_by FROM job_lock ORDER BY job_key');
    expect(rows).toMatchObject([
      { job_key: 'revision_queue_regen' },
      { job_key: 'warehouse_incremental_export' },
    ]);
    expect(rows[0].locked_by).toMatch(/-127\.0\.0\.1$/);

    await scene.database.query("UPDATE system_flags SET value = true WHERE key = 'EXAM_MODE'");
    await expect
      .poll(() => scene.platform.log('jobs'))
      .toContain('Job revision_queue_regen skipped: Exam mode is enabled');
    await expect.poll(running).toEqual([]);

    await broken('unstoppable-job');
    await expect.poll(running).toContain('revision_queue_regen');
    await sleep(1_000);
    expect(await running()).toContain('revision_queue_regen');
    const states = JSON.parse(readFileSync(join(scene.platform.config.folder, 'jobs-state.json'), 'utf8'));
    expect(states.revision_queue_regen).toMatchObject({ running: true, lastRun: expect.any(String) });
    scene.platform.breakWith();
    await expect.poll(running, { timeout: 120_000 }).toEqual([]);
    await scene.database.query("UPDATE system_flags SET value = false WHERE key = 'EXAM_MODE'");

    writeJson(join(scene.platform.config.folder, 'jobs.json'), { revision_queue_regen: false });
    const untilTheOtherRan = async () => {
      const runs = await runsOf('warehouse_incremental_export');
      await expect.poll(() => runsOf('warehouse_incremental_export')).toBeGreaterThan(runs);
    };
    await untilTheOtherRan();
    const before = await runsOf('revision_queue_regen');
    await untilTheOtherRan();
    expect(await runsOf('revision_queue_regen')).toBe(before);
    expect(states.warehouse_incremental_export).toBeDefined();
  });
});
