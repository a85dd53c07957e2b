import { describe, expect, test } from 'vitest';
import type { ApiResponse, ServiceInstance } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import { parseLogLine } from '../../src/platforms/request-log-line.ts';
import { workersPerInstance } from '../../src/platforms/workers.ts';
import { errorCodeOf, valueAt } from '../../src/probes/answer-body.ts';
import { attempt } from '../../src/probes/attempt.ts';
import { judgeTrail } from '../../src/probes/audit-trail.ts';
import { connectionsNeeded, targetsOf } from '../../src/probes/backend-targets.ts';
import { judgeHealth } from '../../src/probes/health.ts';
import { mapLimited } from '../../src/probes/limited.ts';
import { countCompleteness, judgeRequestLog } from '../../src/probes/request-log-audit.ts';
import { judgeInstances, judgeReads } from '../../src/probes/steady-state.ts';

function answer(status: number, body: unknown = {}) {
  const value: ApiResponse = { status, body, headers: {}, ms: 1 };
  return { value };
}

describe('an attempt', () => {
  test('turns what could not be asked into its reason', async () => {
    const refused = async () => {
      throw new Undetermined('the API does not answer', { hint: 'examctl status' });
    };
    expect(await attempt(refused)).toEqual({ problem: 'the API does not answer', hint: 'examctl status' });
  });

  test('takes an error of PostgreSQL for a reason, and a bug for a bug', async () => {
    const failed = async () => {
      throw Object.assign(new Error('relation does not exist'), { code: '42P01' });
    };
    const bug = async () => {
      throw new TypeError('x is not a function');
    };
    expect(await attempt(failed)).toEqual({ problem: 'relation does not exist' });
    await expect(attempt(bug)).rejects.toThrow(TypeError);
  });

  test('ends when it is interrupted instead of finding something out', async () => {
    const controller = new AbortController();
    controller.abort(new Error('interrupted'));
    const refused = async () => {
      throw new Undetermined('aborted');
    };
    await expect(attempt(refused, controller.signal)).rejects.toThrow('interrupted');
  });
});

test('error codes are read from the bodies of both revisions, and from no others', () => {
  expect(errorCodeOf({ error_code: 'RATE_LIMITED' })).toBe('RATE_LIMITED');
  expect(errorCodeOf({ error: { code: 'RATE_LIMITED' } })).toBe('RATE_LIMITED');
  expect(errorCodeOf({ detail: 'Not Found' })).toBeUndefined();
  expect(errorCodeOf('Service Unavailable')).toBeUndefined();
  expect(errorCodeOf(null)).toBeUndefined();
  expect(valueAt({ questions: [{ question_id: 'q' }] }, 'questions.0.question_id')).toBe('q');
});

test('work is done in order of its items and never more than the limit at a time', async () => {
  let now = 0;
  let most = 0;
  const doubled = await mapLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 8 - item));
    now -= 1;
    return item * 2;
  });
  expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
  expect(most).toBe(3);
});

describe('where the backend is asked', () => {
  const instance = (id: string, address?: string): ServiceInstance => ({
    service: 'backend',
    id,
    state: 'running',
    ...(address === undefined ? {} : { address }),
  });

  test('is each instance when each has an address', () => {
    const targets = targetsOf([instance('backend-1', 'http://a'), instance('backend-2', 'http://b')], 1);
    expect(targets.map(({ id }) => id)).toEqual(['backend-1', 'backend-2']);
    expect(targets.map(connectionsNeeded)).toEqual([1, 1]);
  });

  test('is the edge when one has none, with five connections for each worker behind it', () => {
    const [edge, ...others] = targetsOf([instance('backend-1', 'http://a'), instance('backend-2')], 5);
    expect(edge).toEqual({ id: 'edge', workers: 10 });
    expect(others).toEqual([]);
    expect(edge && connectionsNeeded(edge)).toBe(50);
  });

  test('is the edge when the driver knows no instance', () => {
    expect(targetsOf([], 5)).toEqual([{ id: 'edge', workers: 5 }]);
  });

  test('has as many workers as the running service was told, else as the platform is shipped', async () => {
    const driver = (value: string | undefined) => ({ kind: 'compose' as const, variable: async () => value });
    const platform = examPlatform;
    expect(await workersPerInstance({ driver: driver('8'), platform })).toBe(8);
    expect(await workersPerInstance({ driver: driver(undefined), platform })).toBe(5);
    expect(await workersPerInstance({ driver: driver('many'), platform })).toBe(5);
  });
});

describe('health', () => {
  const [ready] = examPlatform.health.filter(({ id }) => id === 'ready-database');
  if (ready === undefined) throw new Error('no ready-database');
  const up = answer(200, { status: 'ok', checks: { db: { status: 'ok' } } });
  const down = answer(200, { status: 'down', checks: { db: { status: 'down' } } });

  test('is judged by the body: ready answers 200 with a database that is down', () => {
    const outcome = judgeHealth(ready, [{ target: 'backend-1', answer: down }]);
    expect(outcome.outcome).toBe('fail');
    expect(outcome.message).toContain('checks.db.status is "down" (HTTP 200)');
  });

  test('fails when one instance of two is down', () => {
    const answers = [
      { target: 'backend-1', answer: up },
      { target: 'backend-2', answer: down },
    ];
    expect(judgeHealth(ready, answers).outcome).toBe('fail');
    expect(judgeHealth(ready, answers.slice(0, 1)).outcome).toBe('pass');
  });

  test('fails on a page of the edge instead of JSON', () => {
    expect(judgeHealth(ready, [{ target: 'edge', answer: answer(502, 'Bad Gateway') }]).outcome).toBe('fail');
  });

  test('is unknown without an answer', () => {
    expect(judgeHealth(ready, [{ target: 'edge', answer: { problem: 'refused' } }]).outcome).toBe('unknown');
    expect(judgeHealth(ready, []).outcome).toBe('unknown');
  });
});

describe('the steady state', () => {
  const instance = (id: string, state: ServiceInstance['state']): ServiceInstance => ({
    service: 'backend',
    id,
    state,
  });

  test('has every instance running', () => {
    expect(judgeInstances([instance('backend-1', 'running')]).outcome).toBe('pass');
    const down = judgeInstances([instance('backend-1', 'running'), instance('backend-2', 'stopped')]);
    expect(down).toMatchObject({ outcome: 'fail', message: 'backend-2 is stopped' });
    expect(judgeInstances([instance('backend-1', 'unknown')]).outcome).toBe('unknown');
    expect(judgeInstances([]).outcome).toBe('unknown');
  });

  test('has reads without an error', () => {
    const good = { target: 'backend-1', answer: answer(200) };
    const bad = { target: 'backend-1', answer: answer(500) };
    const refused = { target: 'backend-1', answer: answer(401) };
    expect(judgeReads([good, good, good]).outcome).toBe('pass');
    expect(judgeReads([good, good, bad])).toMatchObject({ outcome: 'fail', message: 'backend-1: HTTP 500' });
    expect(judgeReads([refused, refused]).outcome).toBe('unknown');
    expect(judgeReads([]).outcome).toBe('unknown');
  });
});

describe('the audit trail', () => {
  const probe = { id: 'answers-on-record', title: 'each answer has its event' };

  test('fails when a write has no event, and names one', () => {
    const outcome = judgeTrail(probe, { written: 9, unlogged: 2, example: 'session s' }, 'answers', 'E');
    expect(outcome.outcome).toBe('fail');
    expect(outcome.message).toContain('2 of 9 answers have no E event in attempt_events, for one session s');
  });

  test('is unknown over nothing', () => {
    expect(judgeTrail(probe, { written: 0, unlogged: 0, example: null }, 'answers', 'E').outcome).toBe(
      'unknown',
    );
    expect(judgeTrail(probe, { written: 3, unlogged: 0, example: null }, 'answers', 'E').outcome).toBe(
      'pass',
    );
  });

  function judgedLog(...lines: Record<string, unknown>[]) {
    const count = countCompleteness();
    for (const line of lines) count.add(parseLogLine(JSON.stringify({ event: 'request.end', ...line })));
    return judgeRequestLog({ value: count.result() });
  }
  const whole = {
    request_id: 'r',
    method: 'POST',
    path: '/v1/sessions/s/answer',
    status_code: 200,
    duration_ms: 3,
    user_id: 'u',
  };

  test('has request lines with id, status, duration and user', () => {
    expect(judgedLog(whole, { ...whole, status_code: null }).outcome).toBe('pass');
  });

  test.each(['request_id', 'status_code', 'duration_ms', 'user_id'] as const)(
    'fails when a line of an answer lacks its %s',
    (member) => {
      const { [member]: _, ...rest } = whole;
      const outcome = judgedLog(whole, rest);
      expect(outcome.outcome).toBe('fail');
      expect(outcome.message).toContain('1 of 2');
    },
  );

  test('asks for no user where nobody is logged in', () => {
    expect(judgedLog({ ...whole, path: '/v1/auth/login', user_id: null }).outcome).toBe('pass');
  });

  test('warns of revision R1, whose lines have no member for the user', () => {
    const { user_id: _, duration_ms: total_ms, ...r1 } = whole;
    expect(judgedLog({ ...r1, event: 'request', total_ms }).outcome).toBe('warn');
  });

  test('is unknown when the log has no request', () => {
    expect(judgedLog().outcome).toBe('unknown');
    expect(judgeRequestLog({ problem: 'no log' }).outcome).toBe('unknown');
  });
});
