import { describe, expect, test } from 'vitest';
import type { ApiResponse } from '../../src/lifecycle/environment.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';
import {
  judgeAllowed,
  judgeBehindLimiter,
  judgeBlocked,
  type PlacedReading,
  readGate,
} from '../../src/probes/exam-mode-gate.ts';
import { behaviourOf, judgeWorkers } from '../../src/probes/exam-mode-workers.ts';

const facts = examPlatform.examMode;
const context = { facts, loginAnswers401: true };

function answer(status: number, body: unknown = {}) {
  const value: ApiResponse = { status, body, headers: {}, ms: 1 };
  return { value };
}
const closed = answer(423, { error_code: 'EXAM_MODE_ACTIVE', details: { action: 'rank_run' } });
const open = answer(401, { error_code: 'UNAUTHORIZED' });

function operation(action: string) {
  const found = facts.blocked.find((each) => each.action === action);
  if (found === undefined) throw new Error(`no blocked operation ${action}`);
  return found;
}
function allowed(id: string) {
  const found = facts.allowed.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no allowed operation ${id}`);
  return found;
}
function placed(target: string, attempted: Parameters<typeof readGate>[0]): PlacedReading {
  return { target, reading: readGate(attempted, context) };
}

describe('one answer of a blocked operation', () => {
  test('423 EXAM_MODE_ACTIVE is a closed gate, in the body of either revision', () => {
    expect(readGate(closed, context).gate).toBe('closed');
    expect(readGate(answer(423, { error: { code: 'EXAM_MODE_ACTIVE' } }), context).gate).toBe('closed');
  });

  test('the documents 403 is a closed gate only where a missing login is answered otherwise', () => {
    const bare = answer(403, { error_code: 'HTTP_ERROR' });
    expect(readGate(bare, context).gate).toBe('closed');
    expect(readGate(bare, { facts, loginAnswers401: false }).gate).toBe('unclear');
  });

  test('a 403 that names the stopped operation is a closed gate for whoever is logged in, too', () => {
    const naming = answer(403, { error_code: 'HTTP_ERROR', details: { action: 'email_outbox_drain' } });
    expect(readGate(naming, { facts, loginAnswers401: false }).gate).toBe('closed');
  });

  test.each(['ADMIN_FREEZE', 'FREEZE_UPDATES_ACTIVE'])('423 %s is another lock, not exam mode', (code) => {
    const reading = readGate(answer(423, { error_code: code }), context);
    expect(reading.gate).toBe('unclear');
    expect(reading.seen).toContain('not by exam mode');
  });

  test('a 423 that names nothing proves nothing', () => {
    expect(readGate(answer(423, 'Locked'), context).gate).toBe('unclear');
  });

  test.each([401, 400, 422])('%d came from behind the gate, so it is open', (status) => {
    expect(readGate(answer(status), context).gate).toBe('open');
  });

  test('a success without a login is an open gate, and said to be worse than that', () => {
    expect(readGate(answer(202), context)).toEqual({
      gate: 'open',
      seen: 'HTTP 202: it was carried out without a login',
    });
  });

  test.each([404, 405, 429, 500, 502, 503])('%d says nothing about the gate', (status) => {
    expect(readGate(answer(status), context).gate).toBe('unclear');
  });

  test('no answer says nothing about the gate', () => {
    const reading = readGate({ problem: 'connection refused' }, context);
    expect(reading).toEqual({ gate: 'unclear', seen: 'connection refused' });
  });
});

describe('a blocked operation', () => {
  const rankRun = operation('rank_run');

  test('passes when every worker refuses it', () => {
    const outcome = judgeBlocked(rankRun, [placed('backend-1', closed), placed('backend-2', closed)], 'on');
    expect(outcome).toMatchObject({ id: 'blocked-rank-run', outcome: 'pass' });
    expect(outcome.message).toContain('backend-2: HTTP 423 EXAM_MODE_ACTIVE');
  });

  test('fails when one worker of two lets it through, and names that worker only', () => {
    const outcome = judgeBlocked(rankRun, [placed('backend-1', closed), placed('backend-2', open)], 'on');
    expect(outcome.outcome).toBe('fail');
    expect(outcome.message).toContain('backend-2: HTTP 401');
    expect(outcome.message).not.toContain('backend-1');
  });

  test('is unknown when a worker does not answer, whatever the others say', () => {
    const silent = placed('backend-2', { problem: 'no answer in 10 s' });
    expect(judgeBlocked(rankRun, [placed('backend-1', closed), silent], 'on').outcome).toBe('unknown');
    expect(judgeBlocked(rankRun, [placed('backend-1', open), silent], 'on').outcome).toBe('fail');
  });

  test('is unknown when nobody was asked', () => {
    expect(judgeBlocked(rankRun, [], 'on').outcome).toBe('unknown');
  });

  test('must be open again when exam mode is to be off', () => {
    expect(judgeBlocked(rankRun, [placed('backend-1', open)], 'off')).toMatchObject({
      id: 'unblocked-rank-run',
      outcome: 'pass',
    });
    expect(judgeBlocked(rankRun, [placed('backend-1', closed)], 'off').outcome).toBe('fail');
  });

  test('counts equal answers of one address', () => {
    const readings = Array.from({ length: 25 }, () => placed('edge', closed));
    expect(judgeBlocked(rankRun, readings, 'on').message).toContain('(25 times)');
  });
});

describe('an operation whose limiter asks for the login first', () => {
  const drain = operation('email_outbox_drain');

  test('is skipped with the reason when only its own refusal was seen', () => {
    const reading = { target: 'edge', reading: readGate(answer(403), { facts, loginAnswers401: false }) };
    const outcome = judgeBehindLimiter(drain, [reading], 'on');
    expect(outcome.outcome).toBe('skipped');
    expect(outcome.message).toContain('asks for the login before exam mode');
  });

  test('passes when it names exam mode to a student', () => {
    expect(judgeBehindLimiter(drain, [placed('edge', closed)], 'on').outcome).toBe('pass');
  });

  test('fails when it still names exam mode after the exam', () => {
    expect(judgeBehindLimiter(drain, [placed('edge', closed)], 'off').outcome).toBe('fail');
  });
});

describe('an operation of students', () => {
  const at = (target: string, attempted: { value: ApiResponse } | { problem: string }) => ({
    target,
    answer: attempted,
  });

  test('is open when it is refused for its content only', () => {
    const validation = at('backend-1', answer(422, { error_code: 'VALIDATION_ERROR' }));
    expect(judgeAllowed(allowed('session-create'), [validation], facts).outcome).toBe('pass');
  });

  test('is open at 404 only in the words of the API: a wrong path says 404 too', () => {
    const ours = at('backend-1', answer(404, { error_code: 'HTTP_ERROR' }));
    const wrongPath = at('backend-1', answer(404, { detail: 'Not Found' }));
    expect(judgeAllowed(allowed('answer'), [ours], facts).outcome).toBe('pass');
    expect(judgeAllowed(allowed('answer'), [wrongPath], facts).outcome).toBe('unknown');
  });

  test('fails when exam mode or a neighbouring lock refuses it, and names which', () => {
    const byExamMode = at('backend-1', closed);
    const byFreeze = at('backend-1', answer(423, { error_code: 'FREEZE_UPDATES_ACTIVE' }));
    expect(judgeAllowed(allowed('answer'), [byExamMode], facts)).toMatchObject({ outcome: 'fail' });
    const frozen = judgeAllowed(allowed('answer'), [byFreeze], facts);
    expect(frozen.outcome).toBe('fail');
    expect(frozen.message).toContain('FREEZE_UPDATES, which stops answers');
  });

  test('fails on a server error of one instance', () => {
    const outcome = judgeAllowed(
      allowed('authentication'),
      [at('backend-1', answer(200, { user: {} })), at('backend-2', answer(500))],
      facts,
    );
    expect(outcome.outcome).toBe('fail');
    expect(outcome.message).toContain('backend-2: HTTP 500');
  });

  test.each([429, 401])('is unknown at %d, which is about the probe', (status) => {
    const own = at('backend-1', answer(status, { error_code: 'X' }));
    expect(judgeAllowed(allowed('answer'), [own], facts).outcome).toBe('unknown');
  });

  test('is unknown without an answer and when nobody was asked', () => {
    expect(judgeAllowed(allowed('answer'), [at('edge', { problem: 'refused' })], facts).outcome).toBe(
      'unknown',
    );
    expect(judgeAllowed(allowed('answer'), [], facts).outcome).toBe('unknown');
  });
});

describe('the workers together', () => {
  const seen = { waited: 0, patience: 11_000, cacheMs: 11_000, round: 1 };

  test('are mixed when one is open and one closed, unknown when one is silent', () => {
    expect(behaviourOf([placed('a', closed), placed('b', closed)])).toBe('on');
    expect(behaviourOf([placed('a', open), placed('b', open)])).toBe('off');
    expect(behaviourOf([placed('a', closed), placed('b', open)])).toBe('mixed');
    expect(behaviourOf([placed('a', closed), placed('b', { problem: 'silent' })])).toBe('unknown');
    expect(behaviourOf([])).toBe('unknown');
  });

  test('fail with the way to wait when there was less time than a cache lives', () => {
    const readings = [placed('a', closed), placed('b', open)];
    const outcome = judgeWorkers({ ...seen, patience: 0, readings, behaviour: 'mixed', expected: 'on' });
    expect(outcome.outcome).toBe('fail');
    expect(outcome.hint).toContain('--wait 11s');
  });

  test('are unknown when one is silent and none says the contrary', () => {
    const readings = [placed('a', closed), placed('b', { problem: 'silent' })];
    const outcome = judgeWorkers({ ...seen, readings, behaviour: 'unknown', expected: 'on' });
    expect(outcome.outcome).toBe('unknown');
    const contrary = [...readings, placed('c', open)];
    expect(judgeWorkers({ ...seen, readings: contrary, behaviour: 'mixed', expected: 'on' }).outcome).toBe(
      'fail',
    );
  });
});

describe('the facts', () => {
  test('name the thirteen blocked operations, two of them behind a limiter', () => {
    expect(facts.blocked).toHaveLength(13);
    expect(facts.blocked.filter(({ anonymousProbe }) => !anonymousProbe).map(({ action }) => action)).toEqual(
      ['email_outbox_drain', 'notification_broadcast'],
    );
  });

  test('ask for nothing of a student that could succeed and change something', () => {
    for (const { method, openStatuses } of facts.allowed) {
      if (method === 'POST') expect(openStatuses.every((status) => status >= 400)).toBe(true);
    }
  });
});
