import { describe, expect, it } from 'vitest';
import type { CheckResult, CheckRun } from '../../src/checks/check-run.ts';
import type { PoolSamples } from '../../src/collectors/watch-pool.ts';
import type { Window } from '../../src/faults/pulse.ts';
import type { Outcome, OutcomeRecord } from '../../src/lifecycle/outcome.ts';
import type { LoadResult } from '../../src/load/load-result.ts';
import type { Reconciliation } from '../../src/load/reconcile/reconciliation.ts';
import { seededRandom } from '../../src/load/seeded-random.ts';
import type { Canary } from '../../src/probes/canary.ts';
import type { ExamModeVerification } from '../../src/probes/exam-mode.ts';
import { type Evidence, evidenceFiles, type FaultObservation } from '../../src/rehearsal/evidence.ts';
import { judgeGate, type Limits, summarize } from '../../src/rehearsal/gates/gate.ts';
import { gates } from '../../src/rehearsal/gates/index.ts';

const limits: Limits = { p95Ms: 500, errorRate: 0.01, dbPool: 0.8, recoverySeconds: 15 };
const at = '2026-11-22T10:00:00.000Z';

const record = (id: string, outcome: Outcome): OutcomeRecord => ({
  id,
  title: `title of ${id}`,
  outcome,
  message: `message of ${id}`,
});

function load(
  more: Partial<LoadResult> = {},
  outcomes: readonly OutcomeRecord[] = [record('load-students-finished', 'pass')],
): LoadResult {
  return {
    scenario: 'answers',
    profile: 'smoke',
    engine: { name: 'builtin', version: '1' },
    startedAt: at,
    endedAt: at,
    aborted: false,
    virtualStudents: 20,
    studentsFinished: 20,
    sessionsLeftOpen: 0,
    requests: 1_000,
    failed: 0,
    errorRate: 0,
    byStatus: { 200: 1_000 },
    latency: { mean: 20, p50: 20, p90: 30, p95: 40, p99: 50, max: 60 },
    generator: { busyCores: null, usableCores: 2, lag: null },
    perEndpoint: {},
    notMeasured: { requests: 0, failed: 0, byStatus: {} },
    causes: [],
    ledgerFile: '/l',
    samplesFile: '/s',
    timelineFile: '/t',
    tallyFile: '/y',
    outcomes,
    ...more,
  };
}
const p95 = (milliseconds: number) => ({
  mean: 1,
  p50: 1,
  p90: 1,
  p95: milliseconds,
  p99: milliseconds,
  max: milliseconds,
});

const nothingFound: Reconciliation['counts'] = {
  lost: 0,
  changed: 0,
  doubled: 0,
  ghost: 0,
  'not-submitted': 0,
  'score-differs': 0,
  'score-wrong': 0,
};

function reconciliation(found: Partial<Reconciliation['counts']> = {}): Reconciliation {
  return {
    ...record('ledger', Object.keys(found).length === 0 ? 'pass' : 'fail'),
    counts: { ...nothingFound, ...found },
    sessions: 20,
    answers: 300,
    submits: 20,
    unknownWrites: { stored: 0, notStored: 0, overwritten: 0 },
    named: [],
    findingsFile: null,
    parts: [],
  };
}

function integrity(...outcomes: OutcomeRecord[]): CheckRun {
  return {
    environment: 'sandbox',
    scope: null,
    snapshotAt: at,
    startedAt: new Date(at),
    durationMs: 1,
    identified: false,
    summary: null,
    outcomes: outcomes as CheckResult[],
    statements: [],
    notes: [],
  };
}

function fault(more: Partial<FaultObservation> = {}): FaultObservation {
  return {
    fault: 'redis-outage',
    title: 'Redis is stopped',
    expectation: 'students go on',
    toleratedErrorRate: 0.02,
    injectedAt: at,
    revertedAt: at,
    recoverySeconds: 2,
    before: { requests: 100, failed: 0 },
    during: { requests: 100, failed: 0 },
    after: { requests: 100, failed: 0 },
    steadyAfter: [],
    pulse: null,
    stopped: null,
    verdict: null,
    problem: null,
    ...more,
  };
}

const reads = (failed: number): Window => ({
  requests: 100,
  failed,
  errorRate: failed / 100,
  p95Ms: 20,
  retries: 0,
  lost: 0,
});
const pulse = (before: number, during: number) => ({
  before: reads(before),
  during: reads(during),
  after: reads(before),
});

const canary = (outcome: Outcome): Canary => ({
  outcome,
  outcomes: [record('canary-answer', outcome)],
  sessionIds: [],
  userId: undefined,
});
const drill = (more: Partial<FaultObservation> = {}, walked: Outcome = 'pass') => ({
  ...fault({ fault: 'backend-restart', recoverySeconds: 4, ...more }),
  canary: canary(walked),
});

function examMode(expected: 'on' | 'off', ...outcomes: OutcomeRecord[]): ExamModeVerification {
  return {
    expected,
    outcome: 'pass',
    outcomes,
    startedAt: new Date(at),
    finishedAt: new Date(at),
    requests: 1,
  };
}

function pool(more: Partial<PoolSamples> = {}): PoolSamples {
  return {
    capacity: { connections: 40, perWorker: 20 } as PoolSamples['capacity'],
    samples: Array(5).fill({} as PoolSamples['samples'][number]),
    missed: [],
    maximumShare: 0.3,
    maximumWorkerShare: 0.4,
    ...more,
  };
}

/** of a rehearsal in which all was well */
const sound: Evidence = {
  canary: canary('pass'),
  examModeOn: examMode('on', record('exam-mode-blocked', 'pass')),
  examModeOff: examMode('off', record('exam-mode-open', 'pass')),
  loads: [load()],
  faults: [fault()],
  pool: pool(),
  integrity: integrity(record('lost-answers', 'pass'), record('unscored-sessions', 'pass')),
  reconciliations: [reconciliation()],
  auditTrail: [record('audit-answers', 'pass')],
  drill: drill(),
};

function judge(id: string, evidence: Partial<Evidence>): OutcomeRecord {
  const gate = gates.find((candidate) => candidate.id === id);
  if (gate === undefined) throw new Error(`no gate ${id}`);
  return judgeGate(gate, { ...sound, ...evidence }, limits);
}

const miss = (serverFull: boolean) => ({ at: new Date(at), reason: 'no connection', serverFull });

interface Case {
  readonly when: string;
  readonly evidence: Partial<Evidence>;
  readonly outcome: Outcome;
  readonly says: string;
}

const cases: Readonly<Record<string, readonly Case[]>> = {
  'zero-data-loss': [
    { when: 'all is stored', evidence: {}, outcome: 'pass', says: '320 acknowledged writes' },
    {
      when: 'an answer is lost',
      evidence: { reconciliations: [reconciliation({ lost: 1 })] },
      outcome: 'fail',
      says: '1 lost',
    },
    {
      when: 'an answer is another',
      evidence: { reconciliations: [reconciliation({ changed: 2 })] },
      outcome: 'fail',
      says: '2 changed',
    },
    {
      when: 'a submit is lost in the second scenario',
      evidence: { reconciliations: [reconciliation(), reconciliation({ 'not-submitted': 3 })] },
      outcome: 'fail',
      says: '3 submits lost',
    },
    {
      when: 'the check of lost answers fails',
      evidence: { integrity: integrity(record('lost-answers', 'fail')) },
      outcome: 'fail',
      says: 'message of lost-answers',
    },
    {
      when: 'the ledger is not complete',
      evidence: { loads: [load({}, [record('load-ledger-complete', 'fail')])] },
      outcome: 'fail',
      says: 'load-ledger-complete',
    },
    {
      when: 'what is doubled is judged by another gate',
      evidence: { reconciliations: [reconciliation({ doubled: 5 })] },
      outcome: 'pass',
      says: '320',
    },
    {
      when: 'the ledger could not be compared',
      evidence: { reconciliations: [{ ...reconciliation(), outcome: 'unknown' }] },
      outcome: 'unknown',
      says: 'message of ledger',
    },
  ],
  'no-corrupted-sessions': [
    { when: 'no check speaks', evidence: {}, outcome: 'pass', says: 'none speaks' },
    {
      when: 'a session has no score',
      evidence: { integrity: integrity(record('unscored-sessions', 'fail')) },
      outcome: 'fail',
      says: 'unscored-sessions',
    },
    {
      when: 'a write is doubled',
      evidence: { reconciliations: [reconciliation({ doubled: 1 })] },
      outcome: 'fail',
      says: '1 writes doubled',
    },
    {
      when: 'a student was told another score',
      evidence: { reconciliations: [reconciliation({ 'score-differs': 1 })] },
      outcome: 'fail',
      says: '1 scores differ',
    },
    {
      when: 'a repeated submit gave another score',
      evidence: { loads: [load({}, [record('load-submit-same-score', 'fail')])] },
      outcome: 'fail',
      says: 'load-submit-same-score',
    },
    {
      when: 'what is lost is judged by another gate',
      evidence: {
        integrity: integrity(record('lost-answers', 'fail'), record('unlogged-writes', 'fail')),
        reconciliations: [reconciliation({ lost: 9 })],
      },
      outcome: 'pass',
      says: 'none speaks',
    },
    {
      when: 'a check could not be made',
      evidence: { integrity: integrity(record('unscored-sessions', 'unknown')) },
      outcome: 'unknown',
      says: 'unscored-sessions',
    },
  ],
  'p95-latency': [
    { when: 'all is quick', evidence: {}, outcome: 'pass', says: 'answers 40 ms; limit 500 ms' },
    {
      when: 'one scenario of two is slow',
      evidence: { loads: [load(), load({ scenario: 'submit-spike', latency: p95(501) })] },
      outcome: 'fail',
      says: 'submit-spike 501 ms',
    },
    {
      when: 'the limit is met exactly, which is not below it',
      evidence: { loads: [load({ latency: p95(500) })] },
      outcome: 'fail',
      says: '500 ms',
    },
    {
      when: 'no request was accepted in one scenario',
      evidence: { loads: [load(), load({ scenario: 'session-burst', latency: null })] },
      outcome: 'unknown',
      says: 'session-burst',
    },
  ],
  recovery: [
    { when: 'it recovers in time', evidence: {}, outcome: 'pass', says: 'backend-restart 4.0 s' },
    {
      when: 'the drill takes too long',
      evidence: { drill: drill({ recoverySeconds: 15.1 }) },
      outcome: 'fail',
      says: 'limit 15 s',
    },
    {
      when: 'a fault during load takes too long',
      evidence: { faults: [fault({ recoverySeconds: 40 })] },
      outcome: 'fail',
      says: 'redis-outage 40.0 s',
    },
    {
      when: 'it never is steady again',
      evidence: { drill: drill({ recoverySeconds: null }) },
      outcome: 'fail',
      says: 'no steady state after backend-restart',
    },
    {
      when: 'the fault could not be reverted',
      evidence: { faults: [fault({ problem: { text: 'it could not be reverted', isKnown: true } })] },
      outcome: 'fail',
      says: 'it could not be reverted',
    },
    {
      when: 'the driver cannot be asked, so that no fault was injected',
      evidence: { faults: [fault({ problem: { text: 'the driver does not answer', isKnown: false } })] },
      outcome: 'unknown',
      says: 'the driver does not answer',
    },
    {
      when: 'no student can work after the drill',
      evidence: { drill: drill({}, 'fail') },
      outcome: 'fail',
      says: 'after the drill',
    },
    {
      when: 'no student could be sent after the drill',
      evidence: { drill: drill({}, 'unknown') },
      outcome: 'unknown',
      says: 'after the drill',
    },
  ],
  'audit-trail': [
    { when: 'all is on record', evidence: {}, outcome: 'pass', says: 'message of audit-answers' },
    {
      when: 'something is not on record',
      evidence: { auditTrail: [record('audit-answers', 'pass'), record('audit-submits', 'fail')] },
      outcome: 'fail',
      says: 'audit-submits',
    },
    {
      when: 'the logs could not be read',
      evidence: { auditTrail: [record('audit-logs', 'unknown')] },
      outcome: 'unknown',
      says: 'audit-logs',
    },
  ],
  'exam-mode': [
    { when: 'it was on, and off again', evidence: {}, outcome: 'pass', says: '2 probes agree' },
    {
      when: 'one endpoint ignores it',
      evidence: { examModeOn: examMode('on', record('exam-mode-rank', 'fail')) },
      outcome: 'fail',
      says: 'exam-mode-rank',
    },
    {
      when: 'it stays on afterwards',
      evidence: { examModeOff: examMode('off', record('exam-mode-still-on', 'fail')) },
      outcome: 'fail',
      says: 'exam-mode-still-on',
    },
    {
      when: 'a worker could not be asked',
      evidence: { examModeOn: examMode('on', record('exam-mode-worker', 'unknown')) },
      outcome: 'unknown',
      says: 'exam-mode-worker',
    },
  ],
  'graceful-failure': [
    { when: 'students go on', evidence: {}, outcome: 'pass', says: '0 of 100 requests failed' },
    {
      when: 'more fail than is tolerated',
      evidence: { faults: [fault(), fault({ during: { requests: 100, failed: 3 } })] },
      outcome: 'fail',
      says: 'expected: students go on',
    },
    {
      when: 'as many failed before',
      evidence: {
        faults: [fault({ before: { requests: 100, failed: 3 }, during: { requests: 100, failed: 3 } })],
      },
      outcome: 'pass',
      says: '3 of 100',
    },
    {
      when: "the load did not notice, but more of examctl's own reads fail than is tolerated",
      evidence: { faults: [fault({ pulse: pulse(1, 4) })] },
      outcome: 'fail',
      says: "of examctl's own reads 3.00 % more than before, expected: students go on",
    },
    {
      when: "as many of examctl's own reads failed before",
      evidence: { faults: [fault({ pulse: pulse(40, 42) })] },
      outcome: 'pass',
      says: '0 of 100',
    },
    {
      when: 'it was ended early, as a limit was crossed',
      evidence: { faults: [fault({ stopped: { cause: 'condition', text: 'error_rate>0.5: it is 0.6' } })] },
      outcome: 'fail',
      says: 'redis-outage was ended early: error_rate>0.5: it is 0.6',
    },
    {
      when: 'it was ended early before the load asked anything',
      evidence: {
        faults: [
          fault({ stopped: { cause: 'steady-state', text: 'no more' }, during: { requests: 0, failed: 0 } }),
        ],
      },
      outcome: 'fail',
      says: 'ended early: no more',
    },
    {
      when: 'nobody could watch it to its end',
      evidence: { faults: [fault({ stopped: { cause: 'unwatched', text: 'a broken pipe' } })] },
      outcome: 'unknown',
      says: 'a broken pipe',
    },
    {
      when: 'it was halted',
      evidence: { faults: [fault({ problem: { text: 'ended early: halted by anna', isKnown: false } })] },
      outcome: 'unknown',
      says: 'halted by anna',
    },
    {
      when: 'nobody asked anything meanwhile',
      evidence: { faults: [fault({ during: { requests: 0, failed: 0 } })] },
      outcome: 'unknown',
      says: 'nobody asked',
    },
    {
      when: 'the fault could not be injected',
      evidence: { faults: [fault({ problem: { text: 'the driver does not answer', isKnown: false } })] },
      outcome: 'unknown',
      says: 'the driver does not answer',
    },
  ],
  'error-rate': [
    { when: 'nothing failed', evidence: {}, outcome: 'pass', says: '0 of 900' },
    {
      when: 'too much fails',
      evidence: { loads: [load({ failed: 9 })] },
      outcome: 'fail',
      says: '9 of 900 requests failed outside of faults',
    },
    {
      when: 'as much failed during a fault, which another gate judges',
      evidence: { loads: [load({ failed: 30 })], faults: [fault({ during: { requests: 100, failed: 30 } })] },
      outcome: 'pass',
      says: '0 of 900',
    },
    {
      when: 'a student did not come to the end',
      evidence: { loads: [load({}, [record('load-students-finished', 'fail')])] },
      outcome: 'fail',
      says: 'load-students-finished',
    },
    {
      when: 'every request fell into a fault',
      evidence: { loads: [load({ requests: 100 })] },
      outcome: 'unknown',
      says: 'no request was made',
    },
    {
      when: 'no request was made at all',
      evidence: { loads: [load({ requests: 0 })], faults: [] },
      outcome: 'unknown',
      says: 'no request was made',
    },
  ],
  'db-pool': [
    { when: 'there is room', evidence: {}, outcome: 'pass', says: '40.0 % of its 20 connections' },
    {
      when: 'one worker is nearly full',
      evidence: { pool: pool({ maximumWorkerShare: 0.8 }) },
      outcome: 'fail',
      says: '80.0 %',
    },
    {
      when: 'workers cannot be told apart, and all together are nearly full',
      evidence: { pool: pool({ maximumShare: 0.9, maximumWorkerShare: null }) },
      outcome: 'fail',
      says: '90.0 %',
    },
    {
      when: 'the server had no connection left once',
      evidence: { pool: pool({ missed: [miss(true)] }) },
      outcome: 'fail',
      says: 'the server had no connection left in 1 of',
    },
    {
      when: 'the server never had a connection left to look with',
      evidence: {
        pool: pool({ samples: [], maximumShare: null, maximumWorkerShare: null, missed: [miss(true)] }),
      },
      outcome: 'fail',
      says: 'no connection left in 1 of 1 samples',
    },
    {
      when: 'a look failed for another reason, and the others saw room',
      evidence: { pool: pool({ missed: [miss(false)] }) },
      outcome: 'pass',
      says: '1 samples could not be taken',
    },
    {
      when: 'one look saw room',
      evidence: { pool: pool({ samples: [{} as PoolSamples['samples'][number]] }) },
      outcome: 'unknown',
      says: 'too little was seen',
    },
    {
      when: 'most looks failed, and the others saw room',
      evidence: { pool: pool({ missed: Array(5).fill(miss(false)) }) },
      outcome: 'unknown',
      says: 'too little was seen',
    },
    {
      when: 'it was never seen',
      evidence: {
        pool: pool({ samples: [], maximumShare: null, maximumWorkerShare: null, missed: [miss(false)] }),
      },
      outcome: 'unknown',
      says: 'no sample: no connection',
    },
  ],
};

const nothing: Evidence = { loads: [], faults: [], reconciliations: [] };

describe('records that a gate sums up', () => {
  it.each([
    ['none', []],
    ['only skipped ones', [record('a', 'skipped'), record('b', 'skipped')]],
  ])('%s are unknown', (_, records) => {
    expect(summarize(records, 'all is well')).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('nothing was looked at'),
    });
  });

  it('pass when one was looked at and nothing was found', () => {
    expect(summarize([record('a', 'skipped'), record('b', 'pass')], 'well')).toEqual({
      outcome: 'pass',
      message: 'well',
    });
  });
});

describe('the gates', () => {
  it('all have cases here, with one that passes, one that fails and one that is unknown', () => {
    expect(Object.keys(cases).sort()).toEqual(gates.map(({ id }) => id).sort());
    for (const [id, list] of Object.entries(cases)) {
      const outcomes = new Set(list.map(({ outcome }) => outcome));
      expect([...outcomes].sort(), id).toEqual(['fail', 'pass', 'unknown']);
    }
  });
});

describe.each(gates)('the gate $id', (gate) => {
  it.each(cases[gate.id] ?? [])('is $outcome when $when', ({ evidence, outcome, says }) => {
    const judged = judge(gate.id, evidence);
    expect(judged).toMatchObject({ id: gate.id, outcome, message: expect.stringContaining(says) });
  });

  it('is unknown without any evidence, and says what did not take place', () => {
    const judged = judgeGate(gate, nothing, limits);
    expect(judged).toMatchObject({ outcome: 'unknown', evidence: [] });
    expect(judged.message).toMatch(/^no evidence: .* did not take place$/);
  });

  it.each(gate.needs)('is unknown without %s', (part) => {
    const without = { ...sound, [part]: Array.isArray(sound[part]) ? [] : undefined };
    const judged = judgeGate(gate, without, limits);
    expect(judged.outcome).toBe('unknown');
    expect(judged.evidence).not.toContain(evidenceFiles[part]);
  });

  it('names the files that it rests on', () => {
    expect(judge(gate.id, {}).evidence).toEqual(gate.needs.map((part) => evidenceFiles[part]));
  });
});

describe('whatever the numbers are', () => {
  const random = seededRandom(20261201);
  const upTo = (limit: number) => Math.floor(random() * (limit + 1));
  const share = (limit: { requests: number; failed: number }) => {
    const failed = upTo(limit.failed);
    return { failed, requests: failed + upTo(limit.requests - limit.failed) };
  };
  /** what may be recorded: `during` of the faults are stretches of one load */
  const possible = () => {
    const total = { failed: upTo(300), requests: 0 };
    total.requests = total.failed + upTo(700);
    const rest = { ...total };
    const faults = Array.from({ length: upTo(3) }, () => {
      const during = share(rest);
      rest.requests -= during.requests;
      rest.failed -= during.failed;
      return fault({ during, before: share(total), after: share(total) });
    });
    return { loads: [load(total)], faults };
  };
  /** what may not */
  const impossible = () => ({
    loads: [load({ requests: upTo(50), failed: upTo(100) })],
    faults: [fault({ during: { requests: upTo(100), failed: upTo(100) } })],
  });

  it.each([
    ['possible', possible],
    ['impossible', impossible],
  ])('no gate tells what cannot be, from what is %s', (_, evidenceOf) => {
    for (let round = 0; round < 150; round += 1) {
      const evidence = { ...sound, ...evidenceOf() };
      for (const gate of gates) {
        const { message } = judgeGate(gate, evidence, limits);
        for (const [, part, all] of message.matchAll(/(-?\d+) of (-?\d+) requests/g))
          expect(Number(part), message).toBeLessThanOrEqual(Number(all));
        for (const [, percent] of message.matchAll(/(-?[\d.]+) %/g)) {
          expect(Number(percent), message).toBeGreaterThanOrEqual(0);
          expect(Number(percent), message).toBeLessThanOrEqual(100);
        }
      }
    }
  });

  it('what nobody asked outside of faults is told only where it is so', () => {
    for (let round = 0; round < 150; round += 1) {
      const { loads, faults } = possible();
      const { message } = judge('error-rate', { loads, faults });
      const outside =
        (loads[0]?.requests ?? 0) - faults.reduce((sum, { during }) => sum + during.requests, 0);
      expect(message.startsWith('no request was made'), message).toBe(outside === 0);
    }
  });
});
