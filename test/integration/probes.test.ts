import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { actuatorFor } from '../../src/actions/index.ts';
import { httpApi } from '../../src/adapters/api.ts';
import { planExamModeOn } from '../../src/exam-mode/plan-exam-mode.ts';
import { requireToggle } from '../../src/exam-mode/require-toggle.ts';
import type { OutcomeRecord } from '../../src/lifecycle/outcome.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import {
  auditTrail,
  examModeStatus,
  steadyState,
  verifyExamMode,
  walkCanary,
} from '../../src/probes/index.ts';
import { breakWith, mend } from '../../src/sandbox/defect-switch.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { type TestSandbox, testSandbox } from '../support/sandbox.ts';
import { type SandboxEnvironment, sandboxEnvironment } from '../support/sandbox-environment.ts';

const { signal } = new AbortController();
const { toggle, jobs } = examPlatform.examMode;
let sandbox: TestSandbox;
let environment: SandboxEnvironment;

beforeAll(async () => {
  sandbox = testSandbox();
  await up(sandbox.context, { students: 40 });
  environment = await sandboxEnvironment(sandbox.context.stateFolder);
}, 120_000);
afterAll(async () => {
  await environment?.close();
  await sandbox.remove();
});

async function setExamMode(enabled: boolean, where = environment): Promise<void> {
  const { status, body } = await where.api.request({
    method: 'POST',
    path: toggle.path,
    as: 'admin',
    body: {
      enabled,
      reason: 'test',
      confirmation_phrase: enabled ? toggle.phraseOn : toggle.phraseOff,
    },
  });
  if (status !== 200) throw new Error(`exam mode could not be set: ${status} ${JSON.stringify(body)}`);
  await where.driver.setJobsEnabled(!enabled, jobs, signal);
}

async function setBySql(sql: string): Promise<void> {
  await environment.withPostgres((postgres) => postgres.query(sql), { readOnly: false });
}

function bad(outcomes: readonly OutcomeRecord[]): Record<string, string> {
  const notPassed = outcomes.filter(({ outcome }) => outcome !== 'pass');
  return Object.fromEntries(notPassed.map(({ id, outcome }) => [id, outcome]));
}

function record(outcomes: readonly OutcomeRecord[], id: string): OutcomeRecord {
  const found = outcomes.find((outcome) => outcome.id === id);
  if (found === undefined) throw new Error(`no outcome ${id} in ${outcomes.map((each) => each.id)}`);
  return found;
}

describe('a healthy sandbox', () => {
  test('is in its steady state', async () => {
    const outcomes = await steadyState(environment);
    expect(bad(outcomes)).toEqual({});
    expect(outcomes.length).toBe(4 + examPlatform.health.length);
  });

  test('carries a canary through an untimed and a timed exam', async () => {
    const { outcome, outcomes, sessionIds, userId } = await walkCanary(environment, { signal });
    expect(bad(outcomes)).toEqual({});
    expect(outcome).toBe('pass');
    expect(sessionIds).toHaveLength(2);
    const [student] = await environment.identities(1);
    expect(userId).toBe(student?.userId);
  });

  test('lets a canary log in with a password', async () => {
    const [student] = await environment.identities(1);
    const login = { email: student?.email ?? '', password: 'sandbox' };
    expect(bad((await walkCanary(environment, { signal, login })).outcomes)).toEqual({});
    const wrong = await walkCanary(environment, { signal, login: { ...login, password: 'wrong' } });
    expect(wrong.outcomes[0]).toMatchObject({ id: 'canary-login', outcome: 'unknown' });
    expect(wrong.outcomes.slice(1).every(({ outcome }) => outcome === 'skipped')).toBe(true);
  });
});

describe('a part that is down', () => {
  test('takes away the steady state, which comes back with it', async () => {
    await environment.driver.stop('cache', signal);
    try {
      const ill = bad(await steadyState(environment));
      expect(ill).toMatchObject({
        'services-running': 'fail',
        'cache-answers': 'fail',
        'ready-cache': 'fail',
      });
      expect(ill).not.toHaveProperty('database-answers');
    } finally {
      await environment.driver.start('cache', signal);
    }
    await expect.poll(async () => bad(await steadyState(environment))).toEqual({});
  });

  test('that is a database leaves the probes standing and says so', async () => {
    await environment.driver.stop('database', signal);
    try {
      const ill = bad(await steadyState(environment));
      expect(ill).toMatchObject({
        'database-answers': 'fail',
        'ready-database': 'fail',
        'read-works': 'fail',
      });
      expect(ill).not.toHaveProperty('health-root');
      const { outcomes } = await verifyExamMode(environment, { expected: 'on', signal, wait: 0 });
      expect(record(outcomes, 'exam-mode-flag').outcome).toBe('unknown');
      expect(record(outcomes, 'no-job-started').outcome).toBe('unknown');
      const canary = await walkCanary(environment, { signal });
      expect(canary.outcome).toBe('fail');
    } finally {
      await environment.driver.start('database', signal);
    }
    await expect.poll(async () => bad(await steadyState(environment))).toEqual({});
    // A job that the outage hit left its row RUNNING, of which the probes of the later tests would warn.
    await environment.withPostgres(
      (postgres) => postgres.query("UPDATE job_run SET status = 'FAILED' WHERE status = 'RUNNING'"),
      { readOnly: false },
    );
  }, 120_000);
});

describe('exam mode', () => {
  const skippedOff = {
    'unblocked-email-outbox-drain': 'skipped',
    'unblocked-notification-broadcast': 'skipped',
  };
  afterEach(async () => {
    await mend(sandbox.context, 'all');
  });

  test('that is off is verified as off, and not as on', async () => {
    const off = await verifyExamMode(environment, { expected: 'off', signal });
    expect(bad(off.outcomes)).toEqual(skippedOff);
    expect(off.outcome).toBe('pass');
    expect(off.requests).toBeGreaterThan(30);
    const on = await verifyExamMode(environment, { expected: 'on', signal });
    expect(on.outcome).toBe('fail');
    expect(bad(on.outcomes)).toMatchObject({
      'exam-mode-flag': 'fail',
      'exam-mode-api': 'fail',
      'exam-mode-workers': 'fail',
      'blocked-rank-run': 'fail',
      'jobs-disabled': 'warn',
    });
  }, 120_000);

  test('waits for the flag caches of the workers after a toggle', async () => {
    await examModeStatus(environment);
    await setExamMode(true);
    const said: string[] = [];
    const verification = await verifyExamMode(environment, {
      expected: 'on',
      signal,
      onProgress: (message) => said.push(message),
    });
    expect(bad(verification.outcomes)).toEqual({});
    expect(said.some((message) => message.startsWith('waiting for the flag caches'))).toBe(true);
  }, 120_000);

  test('tells who switched it on, and that nothing drifts', async () => {
    const status = await examModeStatus(environment, { signal });
    expect(status).toMatchObject({
      behaviour: 'on',
      flag: { value: true, reason: 'test' },
      api: { enabled: true },
      variable: { name: 'EXAM_MODE', value: null },
      lastToggle: { by: 'admin@sandbox.local', reason: 'test', recordedIn: 'audit_log' },
      drift: [],
      problems: [],
    });
    expect(status.workers.map(({ target, gate }) => [target, gate])).toEqual([
      ['backend-1', 'closed'],
      ['backend-2', 'closed'],
    ]);
  });

  test('with a gap in one operation fails for that operation alone', async () => {
    await breakWith(sandbox.context, 'exam-mode-gap');
    const { outcome, outcomes } = await verifyExamMode(environment, { expected: 'on', signal, wait: 0 });
    expect(outcome).toBe('fail');
    expect(bad(outcomes)).toEqual({ 'blocked-rank-run': 'fail' });
    expect(record(outcomes, 'blocked-rank-run').message).toContain(
      'POST /admin/rank/runs is open: backend-1',
    );
  });

  test('with jobs that are still scheduled warns, and fails once one does not skip', async () => {
    const verify = () => verifyExamMode(environment, { expected: 'on', signal, wait: 0 });
    await environment.driver.setJobsEnabled(true, jobs, signal);
    try {
      await sleep(2_500);
      expect(bad((await verify()).outcomes)).toEqual({ 'jobs-disabled': 'warn' });
      await breakWith(sandbox.context, 'unstoppable-job');
      await expect
        .poll(async () => bad((await verify()).outcomes), { interval: 1_000 })
        .toEqual({ 'no-job-runs': 'fail', 'no-job-started': 'fail', 'jobs-disabled': 'warn' });
    } finally {
      await mend(sandbox.context, 'all');
      await environment.driver.setJobsEnabled(false, jobs, signal);
      await setBySql(`UPDATE job_run SET started_at = started_at - interval '1 hour'`);
    }
  }, 120_000);

  test('with an answer freeze beside it fails, as students cannot answer', async () => {
    await setBySql(`UPDATE system_flags SET value = true, updated_at = now() WHERE key = 'FREEZE_UPDATES'`);
    try {
      const { outcomes } = await verifyExamMode(environment, { expected: 'on', signal, wait: 0 });
      expect(record(outcomes, 'freeze-updates-off').outcome).toBe('fail');
    } finally {
      await setBySql(
        `UPDATE system_flags SET value = false, updated_at = now() WHERE key = 'FREEZE_UPDATES'`,
      );
    }
  });

  describe('whose toggle the platform would refuse', () => {
    const freeze = (frozen: boolean) =>
      setBySql(
        `INSERT INTO admin_security_runtime (id, admin_freeze, freeze_reason) VALUES (1, ${frozen}, 'audit')
         ON CONFLICT (id) DO UPDATE SET admin_freeze = ${frozen}, freeze_reason = 'audit'`,
      );
    const toggleBy = async (api: Partial<Parameters<typeof httpApi>[0]> = {}) => {
      const where = {
        ...environment,
        api: httpApi({ url: environment.api.url, basePaths: ['/v1'], ...api }),
      };
      const plan = await planExamModeOn(where);
      expect(plan.changes.map(({ target }) => target)).toContain('flag EXAM_MODE');
      return requireToggle(plan, where, signal);
    };

    test('is refused before anything is changed, and says why', async () => {
      await setExamMode(false);
      const exp = Math.floor(Date.now() / 1_000) - 600;
      const payload = Buffer.from(JSON.stringify({ exp })).toString('base64url');
      await expect(toggleBy({ adminToken: () => `e30.${payload}.x` })).rejects.toThrow(/has expired at/);
      await expect(toggleBy({ adminToken: () => 'not-one' })).rejects.toThrow(/answered 401/);
      await freeze(true);
      try {
        await expect(toggleBy()).rejects.toThrow(/admin freeze is on, set by .*reason: audit/);
        const { outcomes } = await verifyExamMode(environment, { expected: 'on', signal, wait: 0 });
        // it could not be switched off either
        expect(record(outcomes, 'admin-freeze-off').outcome).toBe('fail');
        const apply = { kind: 'exam-mode-set', mechanism: 'system-flag', enabled: true, variable: null };
        const actuator = actuatorFor({ environment, reason: 'test' });
        await expect(actuator.apply(apply, signal)).rejects.toThrow(/answered 423/);
        // what is there already needs no request, so that a way back is never refused
        await actuator.apply({ ...apply, enabled: false }, signal);
      } finally {
        await freeze(false);
      }
      expect((await examModeStatus(environment, { signal })).flag).toMatchObject({ value: false });
    });
  });

  test('set by the variable alone is drift, and has no effect', async () => {
    await setExamMode(false);
    await environment.driver.setVariable('backend', 'EXAM_MODE', 'true', signal);
    try {
      const status = await examModeStatus(environment, { signal });
      expect(status.behaviour).toBe('off');
      expect(status.variable).toEqual({ name: 'EXAM_MODE', value: 'true', on: true });
      expect(status.drift).toHaveLength(1);
      const { outcomes } = await verifyExamMode(environment, { expected: 'off', signal });
      expect(bad(outcomes)).toEqual({ ...skippedOff, 'exam-mode-drift': 'warn' });
    } finally {
      await environment.driver.setVariable('backend', 'EXAM_MODE', undefined, signal);
    }
  }, 90_000);

  test('changed by SQL is named as changed without a record', async () => {
    const since = new Date(Date.now() - 1_000);
    for (const table of ['audit_log', 'switch_audit_log'])
      await setBySql(`UPDATE ${table} SET created_at = created_at - interval '1 minute'`);
    await setBySql(`UPDATE system_flags SET value = true, updated_at = now() WHERE key = 'EXAM_MODE'`);
    try {
      const { drift } = await examModeStatus(environment, { signal });
      expect(drift.join()).toContain('without a record');
      const [toggles] = (await auditTrail(environment, { signal, since })).filter(
        ({ id }) => id === 'toggles-on-record',
      );
      expect(toggles?.outcome).toBe('fail');
    } finally {
      await setBySql(`UPDATE system_flags SET value = false, updated_at = now() WHERE key = 'EXAM_MODE'`);
    }
  }, 120_000);
});

describe('the audit trail', () => {
  afterEach(async () => {
    await mend(sandbox.context, 'all');
  });

  async function walk(student: number): Promise<{ sessionIds: readonly string[]; since: Date }> {
    const since = new Date();
    const identity = (await environment.identities(student + 1))[student];
    if (identity === undefined) throw new Error('too few students');
    const { outcome, sessionIds, outcomes } = await walkCanary(environment, {
      signal,
      students: async () => [identity],
    });
    expect(outcome, JSON.stringify(bad(outcomes))).toBe('pass');
    return { sessionIds, since };
  }

  test('of two exams is whole', async () => {
    const { sessionIds, since } = await walk(5);
    const outcomes = await auditTrail(environment, { signal, sessionIds, since });
    expect(bad(outcomes)).toEqual({ 'toggles-on-record': 'skipped' });
    expect(record(outcomes, 'answers-on-record').message).toContain('2 answers');
  });

  test('that is not written is missed: events and request ids', async () => {
    await breakWith(sandbox.context, 'missing-audit-trail');
    const { sessionIds, since } = await walk(6);
    const outcomes = await auditTrail(environment, { signal, sessionIds, since });
    expect(bad(outcomes)).toEqual({
      'answers-on-record': 'fail',
      'submits-on-record': 'fail',
      'requests-on-record': 'fail',
      'toggles-on-record': 'skipped',
    });
  });

  test('of no exam is unknown', async () => {
    const outcomes = await auditTrail(environment, { signal, since: new Date(Date.now() + 60_000) });
    expect(bad(outcomes)).toEqual({
      'answers-on-record': 'unknown',
      'submits-on-record': 'unknown',
      'requests-on-record': 'unknown',
      'toggles-on-record': 'skipped',
    });
  });
});

describe('a platform of revision R1 that answers 403 in exam mode, as the documents say', () => {
  let older: TestSandbox;
  let olderEnvironment: SandboxEnvironment;
  beforeAll(async () => {
    older = testSandbox();
    await up(older.context, { students: 10, revision: 'R1', examModeStatus: 403, basePath: '/api/v1' });
    olderEnvironment = await sandboxEnvironment(older.context.stateFolder);
  }, 120_000);
  afterAll(async () => {
    await olderEnvironment?.close();
    await older.remove();
  });

  test('is verified through the edge alone, over five connections for each worker', async () => {
    const { driver } = olderEnvironment;
    const behindEdge = {
      ...olderEnvironment,
      driver: {
        ...driver,
        instances: async () => (await driver.instances()).map(({ address: _, ...instance }) => instance),
      },
    };
    expect(bad((await verifyExamMode(behindEdge, { expected: 'off', signal })).outcomes)).toEqual({
      'unblocked-email-outbox-drain': 'skipped',
      'unblocked-notification-broadcast': 'skipped',
    });
    await setExamMode(true, olderEnvironment);
    const { outcomes, requests } = await verifyExamMode(behindEdge, { expected: 'on', signal });
    expect(bad(outcomes)).toEqual({});
    const rankRun = record(outcomes, 'blocked-rank-run').message;
    expect(rankRun).toContain('edge: HTTP 403 HTTP_ERROR for rank_run (10 times)');
    expect(requests).toBeGreaterThan(110);
  }, 120_000);

  test('has an audit trail that names the student in its events only', async () => {
    const since = new Date();
    const { sessionIds } = await walkCanary(olderEnvironment, { signal });
    expect(bad(await auditTrail(olderEnvironment, { signal, since, sessionIds }))).toEqual({
      'requests-on-record': 'warn',
      'toggles-on-record': 'skipped',
    });
  });
});

test('probes end when they are interrupted', async () => {
  const controller = new AbortController();
  const verification = verifyExamMode(environment, { expected: 'on', signal: controller.signal });
  controller.abort(new Error('interrupted'));
  await expect(verification).rejects.toThrow('interrupted');
});
