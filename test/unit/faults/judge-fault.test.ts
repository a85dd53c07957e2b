import { describe, expect, it } from 'vitest';
import { judgeFault } from '../../../src/faults/judge-fault.ts';
import type { Window } from '../../../src/faults/pulse.ts';
import type { Outcome } from '../../../src/lifecycle/outcome.ts';

const fault = { id: 'redis-outage', expectation: 'students go on', toleratedErrorRate: 0.05 };
const limitSeconds = 15;

function window(requests: number, failed = 0): Window {
  const errorRate = requests === 0 ? null : failed / requests;
  return { requests, failed, errorRate, p95Ms: requests === 0 ? null : 21.4, retries: 2 * failed, lost: 0 };
}

const steady = (outcome: Outcome = 'pass') => ({
  id: 'ready',
  title: 'the platform is ready',
  outcome,
  message: '',
});

type Seen = Parameters<typeof judgeFault>[1];
const sound: Seen = {
  before: window(100),
  during: window(100),
  after: window(100),
  recoverySeconds: 2,
  stopped: null,
  steadyAfter: [steady()],
};
const judge = (more: Partial<Seen>) => judgeFault(fault, { ...sound, ...more }, limitSeconds);

describe('a fault that was borne', () => {
  it('passes, with all that was seen in the message', () => {
    expect(judge({ during: window(100, 5) })).toEqual({
      id: 'fault-redis-outage',
      title: 'the platform bears redis-outage',
      outcome: 'pass',
      message:
        '5 % of 100 reads failed meanwhile (before 0 %, after 0 %), p95 21 ms (before 21 ms), 10 retries, 0 lost in spite of them; steady again after 2.0 s',
    });
  });

  it.each([
    ['as many fail as are tolerated', { during: window(100, 5) }],
    ['as many failed before', { before: window(100, 40), during: window(100, 45), after: window(100, 40) }],
    ['it is steady at the last moment', { recoverySeconds: limitSeconds }],
    ['chance makes one of fifty fail afterwards', { after: window(50, 1) }],
  ])('passes when %s', (_, seen) => {
    expect(judge(seen).outcome).toBe('pass');
  });
});

describe('a fault that was not borne', () => {
  it.each<[string, Partial<Seen>, string]>([
    ['more fail than is tolerated', { during: window(100, 6) }, 'expected: students go on'],
    ['requests fail afterwards', { after: window(100, 3) }, 'requests still fail after it was over'],
    [
      'it is steady too late',
      { recoverySeconds: 15.1 },
      'it took 15.1 s to be steady again, 15 s are allowed',
    ],
    [
      'it is never steady again',
      { recoverySeconds: null, steadyAfter: [steady('fail'), steady('pass')] },
      'the steady state was not seen again: the platform is ready',
    ],
    [
      'the steady state cannot be seen afterwards',
      { recoverySeconds: null, steadyAfter: [steady('unknown')] },
      'not seen again: the platform is ready',
    ],
    [
      'a condition ended it',
      { stopped: { cause: 'condition', text: 'error_rate>0.5' } },
      'ended early: error_rate>0.5',
    ],
    [
      'what must hold was lost',
      { stopped: { cause: 'steady-state', text: 'no more' } },
      'ended early: no more',
    ],
    [
      'it is known to be bad although nobody asked anything before',
      { before: window(0), recoverySeconds: 20 },
      'it took 20.0 s',
    ],
    [
      'it was halted, and requests had failed by then',
      { during: window(100, 50), stopped: { cause: 'halt', text: 'halted by anna' } },
      'expected: students go on',
    ],
  ])('fails when %s', (_, seen, text) => {
    expect(judge(seen)).toMatchObject({ outcome: 'fail', message: expect.stringContaining(text) });
  });

  it('names each reason', () => {
    const { message } = judge({ during: window(10, 9), after: window(10, 9), recoverySeconds: 99 });
    expect(message).toMatch(/it took 99\.0 s.*expected: students go on.*requests still fail/);
  });
});

describe('a fault of which too little was seen', () => {
  it.each<[string, Partial<Seen>, string]>([
    ['nobody asked anything before', { before: window(0) }, 'nobody asked anything'],
    ['nobody asked anything meanwhile', { during: window(0) }, 'none of 0 reads'],
    ['nobody asked anything afterwards', { after: window(0) }, 'nobody asked anything'],
    ['it was halted', { stopped: { cause: 'halt', text: 'halted by anna' } }, 'ended early: halted by anna'],
    [
      'a student began an exam',
      { stopped: { cause: 'exam', text: '1 students' } },
      'ended early: 1 students',
    ],
    [
      'it was not watched to its end',
      { stopped: { cause: 'unwatched', text: 'a bug' } },
      'ended early: a bug',
    ],
  ])('is unknown when %s', (_, seen, text) => {
    expect(judge(seen)).toMatchObject({ outcome: 'unknown', message: expect.stringContaining(text) });
  });
});
