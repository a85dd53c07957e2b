import { describe, expect, test } from 'vitest';
import { driftBetween } from '../../src/probes/exam-mode-drift.ts';
import { type FlagRow, isTrue } from '../../src/probes/exam-mode-flag.ts';
import {
  type JobRun,
  judgeEnabled,
  judgeRunning,
  judgeScheduled,
  judgeStarted,
} from '../../src/probes/exam-mode-jobs.ts';
import { unrecorded } from '../../src/probes/exam-mode-status.ts';
import {
  judgeAdminFreeze,
  judgeDrift,
  judgeFlag,
  judgeFreezeUpdates,
} from '../../src/probes/exam-mode-switches.ts';

const at = new Date('2026-02-14T08:00:00Z');
function row(value: boolean, members: Partial<FlagRow> = {}): FlagRow {
  return { value, updatedAt: at, ageMs: 60_000, updatedBy: 'admin@example.com', reason: 'exam', ...members };
}
function variable(value: string | undefined) {
  return { value: { name: 'EXAM_MODE', service: 'backend' as const, value } };
}

describe('drift', () => {
  test('is none when flag, variable and workers agree, or the variable is not set', () => {
    expect(driftBetween({ variable: variable('true'), flag: { value: row(true) }, behaviour: 'on' })).toEqual(
      [],
    );
    expect(
      driftBetween({ variable: variable(undefined), flag: { value: row(true) }, behaviour: 'on' }),
    ).toEqual([]);
  });

  test('names a variable that says something else, as nothing reads it', () => {
    const seen = { variable: variable('true'), flag: { value: row(false) }, behaviour: 'off' } as const;
    const [only, ...others] = driftBetween(seen);
    expect(only).toContain('the variable EXAM_MODE is true, exam mode is off');
    expect(others).toEqual([]);
    expect(judgeDrift(seen, { isConfigured: false }).outcome).toBe('warn');
  });

  test('is unknown where something that counts was not read, which is named', () => {
    const unread = { problem: 'not reachable' };
    const judge = (seen: object, isConfigured = false) =>
      judgeDrift(
        { variable: variable('false'), flag: { value: row(false) }, behaviour: 'off', ...seen },
        { isConfigured },
      );
    expect(judge({}).outcome).toBe('pass');
    expect(judge({ flag: unread })).toMatchObject({
      outcome: 'unknown',
      message: expect.stringMatching(/flag was not read/),
    });
    expect(judge({ behaviour: 'unknown' }).outcome).toBe('unknown');
    expect(judge({ variable: unread }, true)).toMatchObject({ outcome: 'unknown' });
    const without = judge({ variable: unread });
    expect(without).toMatchObject({ outcome: 'pass', title: 'flag and behaviour agree' });
    expect(without.message).toContain('the variable was not read');
  });

  test('names workers that do not follow the flag', () => {
    expect(
      driftBetween({ variable: variable(undefined), flag: { value: row(true) }, behaviour: 'mixed' }),
    ).toEqual(['the flag is on, the workers behave as mixed']);
  });

  test('names a missing row, which does not switch exam mode off', () => {
    const [only] = driftBetween({ variable: variable(undefined), flag: { value: null }, behaviour: 'on' });
    expect(only).toContain('they keep the last value until they restart');
  });

  test('says nothing about what could not be looked at', () => {
    const problem = { problem: 'unreachable' };
    expect(driftBetween({ variable: problem, flag: problem, behaviour: 'unknown' })).toEqual([]);
  });
});

test('a variable is true as the platform reads it', () => {
  expect(['true', 'True', '1', 'yes', 'on'].every(isTrue)).toBe(true);
  expect(['false', '0', '', 'off', 'no'].some(isTrue)).toBe(false);
});

describe('the flag', () => {
  test('passes and fails by its value, and says who set it', () => {
    expect(judgeFlag({ value: row(true) }, 'on')).toMatchObject({ outcome: 'pass' });
    const wrong = judgeFlag({ value: row(false) }, 'on');
    expect(wrong.outcome).toBe('fail');
    expect(wrong.message).toContain('admin@example.com');
  });

  test('without a row fails for on and warns for off', () => {
    expect(judgeFlag({ value: null }, 'on').outcome).toBe('fail');
    expect(judgeFlag({ value: null }, 'off').outcome).toBe('warn');
  });

  test('is unknown with the reason when it could not be read', () => {
    const outcome = judgeFlag({ problem: 'PostgreSQL cannot be reached', hint: 'examctl status' }, 'on');
    expect(outcome).toMatchObject({ outcome: 'unknown', message: 'PostgreSQL cannot be reached' });
  });
});

describe('neighbouring switches', () => {
  const freeze = { frozen: true, reason: 'audit', by: 'admin@example.com', at };

  test('the admin freeze fails as it blocks the toggle', () => {
    expect(judgeAdminFreeze({ ...freeze, frozen: true }).outcome).toBe('fail');
    expect(judgeAdminFreeze({ ...freeze, frozen: false }).outcome).toBe('pass');
    expect(judgeAdminFreeze(null).outcome).toBe('pass');
  });

  test('FREEZE_UPDATES fails as it stops answers', () => {
    expect(judgeFreezeUpdates(row(true)).outcome).toBe('fail');
    expect(judgeFreezeUpdates(row(true)).message).toContain('every answer and submit');
    expect(judgeFreezeUpdates(row(false)).outcome).toBe('pass');
  });
});

describe('background jobs', () => {
  const keys = ['revision_queue_regen', 'warehouse_incremental_export'];
  const job = (key: string, enabled: boolean, running: boolean) => ({ key, enabled, running });
  const run = (key: string, ageSeconds: number): JobRun => ({
    key,
    status: 'RUNNING',
    startedAt: at,
    ageSeconds,
  });
  const idle = { value: keys.map((key) => job(key, false, false)) };

  test('pass when no process and no row tells of one', () => {
    expect(judgeRunning(idle, { value: [] }, keys).outcome).toBe('pass');
  });

  test('fail when a process is alive', () => {
    const alive = { value: [job('revision_queue_regen', false, true)] };
    const outcome = judgeRunning(alive, { value: [] }, keys);
    expect(outcome.outcome).toBe('fail');
    expect(outcome.message).toContain('revision_queue_regen is alive');
  });

  test('fail when another heavy run is RUNNING that the driver knows nothing of', () => {
    expect(judgeRunning(idle, { value: [run('fsrs_train_user', 600)] }, keys).outcome).toBe('fail');
  });

  test('warn of a RUNNING row that a dead job has left', () => {
    expect(judgeRunning(idle, { value: [run('revision_queue_regen', 4_000)] }, keys).outcome).toBe('warn');
    expect(judgeRunning(idle, { value: [run('fsrs_train_user', 8_000)] }, keys).outcome).toBe('warn');
  });

  test('are judged by their rows alone where they run inside of a worker that nobody can look into', () => {
    const inside = {
      value: keys.map((key) => ({ ...job(key, true, false), running: null, switchable: false })),
    };
    const idle = judgeRunning(inside, { value: [] }, keys);
    expect(idle.outcome).toBe('pass');
    expect(idle.message).toBe(`no RUNNING row of ${keys.join(', ')} or any other`);
    // no process of it can be seen, so nothing says that this row was left by a dead one
    expect(judgeRunning(inside, { value: [run('revision_queue_regen', 4_000)] }, keys).outcome).toBe('fail');
    expect(judgeScheduled(inside.value, keys)).toMatchObject({
      outcome: 'warn',
      hint: expect.not.stringContaining('examctl exam-mode on'),
    });
  });

  test('fail for a row that is so fresh that its process may have started since', () => {
    expect(judgeRunning(idle, { value: [run('revision_queue_regen', 1)] }, keys).outcome).toBe('fail');
  });

  test('are unknown when the driver or the table cannot be asked', () => {
    const problem = { problem: 'no crontab' };
    expect(judgeRunning(problem, { value: [] }, keys)).toMatchObject({
      outcome: 'unknown',
      message: 'no crontab',
    });
    expect(judgeRunning(idle, problem, keys).outcome).toBe('unknown');
  });

  test('fail when one has started since exam mode was switched on', () => {
    expect(judgeStarted([]).outcome).toBe('pass');
    const started = judgeStarted([run('revision_queue_regen', 3), run('revision_queue_regen', 5)]);
    expect(started.outcome).toBe('fail');
    expect(started.message).toContain('revision_queue_regen 2 times');
  });

  test('warn when they stay scheduled in exam mode, and when they stay off after it', () => {
    expect(judgeScheduled([job('revision_queue_regen', true, false)], keys).outcome).toBe('warn');
    expect(judgeScheduled([job('revision_queue_regen', false, false)], keys).outcome).toBe('pass');
    expect(judgeEnabled([job('revision_queue_regen', false, false)], keys).outcome).toBe('warn');
    expect(judgeEnabled([job('revision_queue_regen', true, false)], keys).outcome).toBe('pass');
  });
});

describe('the record of a toggle', () => {
  const toggle = (time: Date) => ({ at: time, by: null, reason: null, recordedIn: 'audit_log' as const });

  test('is missing when the flag is younger than it', () => {
    const late = { value: row(true, { updatedAt: new Date(at.getTime() + 60_000) }) };
    expect(unrecorded(late, { value: toggle(at) })).toHaveLength(1);
    expect(unrecorded({ value: row(true) }, { value: null })).toHaveLength(1);
  });

  test('may come a moment after the flag, and is not asked of a flag that was never on', () => {
    expect(unrecorded({ value: row(true) }, { value: toggle(new Date(at.getTime() - 200)) })).toEqual([]);
    expect(unrecorded({ value: row(false) }, { value: null })).toEqual([]);
  });
});
