import { expect, test } from 'vitest';
import type { LedgerSummary } from '../../src/load/ledger-summary.ts';
import { askedBy, loadOutcomes } from '../../src/load/load-outcomes.ts';
import type { LoadPlan } from '../../src/load/load-plan.ts';
import { noSamplesReason } from '../../src/load/no-samples-reason.ts';
import type { Sample } from '../../src/load/sample.ts';
import { Tally } from '../../src/load/tally.ts';

const student = {
  number: 1,
  token: 't',
  refreshToken: null,
  tokenExpiresAt: null,
  createAt: 0,
  session: { mode: 'EXAM', year: 1, blocks: ['A'], count: 1, duration_seconds: 60 },
  answers: [],
  submitAt: 0,
  submitTwice: true,
} as const;

const plan: LoadPlan = {
  scenario: 'submit-spike',
  profile: 'smoke',
  refreshPath: '/refresh',
  baseUrl: 'http://127.0.0.1:1/v1',
  leadInSeconds: 0,
  windowStart: null,
  seconds: 1,
  graceSeconds: 1,
  requestTimeoutSeconds: 1,
  thresholds: { p95Ms: 500, errorRate: 0.01 },
  students: [student, { ...student, number: 2, submitTwice: false }],
};

const finished: LedgerSummary = {
  writes: 3,
  studentsFinished: 2,
  reasons: {},
  submittedTwice: 1,
  scoresDiffer: [],
};

async function outcomesOf({
  samples = [10, 10, 10],
  status = 200,
  phase = 'measured' as Sample['phase'],
  ledger = finished,
  aborted = false,
  lag = 0,
  unsent,
  busyCores = 0.5,
}: Partial<{
  samples: number[];
  status: number;
  phase: Sample['phase'];
  ledger: LedgerSummary;
  aborted: boolean;
  lag: number;
  unsent: true;
  busyCores: number | null;
}> = {}) {
  const tally = await Tally.create();
  for (const ms of samples)
    tally.add({ at: 0, ms, lag, endpoint: 'submit', phase, status, ...(unsent && { unsent }) });
  const outcomes = loadOutcomes({
    asked: askedBy(plan),
    tally,
    ledger,
    aborted,
    generator: { busyCores, usableCores: 2 },
    ledgerFile: '/run/submit-spike-ledger.ndjson',
    samplesFile: '/run/submit-spike-samples.ndjson',
  });
  return Object.fromEntries(outcomes.map((outcome) => [outcome.id, outcome]));
}

test('a run in which all went well passes everything', async () => {
  const outcomes = await outcomesOf();
  expect(Object.values(outcomes).map(({ id, outcome }) => [id, outcome])).toEqual([
    ['load-p95-latency', 'pass'],
    ['load-error-rate', 'pass'],
    ['load-students-finished', 'pass'],
    ['load-ledger-complete', 'pass'],
    ['load-submit-same-score', 'pass'],
    ['load-generator', 'pass'],
  ]);
  expect(outcomes['load-p95-latency']?.evidence).toEqual(['submit-spike-samples.ndjson']);
});

test('p95 at or above its limit fails', async () => {
  expect((await outcomesOf({ samples: [600, 600, 600] }))['load-p95-latency']).toMatchObject({
    outcome: 'fail',
    message: expect.stringContaining('limit 500 ms'),
  });
});

test.each([
  ['was late itself', { lag: 60 }, 'late itself, by 60 ms'],
  ['kept all cores busy', { busyCores: 1.9 }, '1.9 of 2 cores busy'],
  ['had no socket left', { unsent: true as const }, 'no socket for 3 requests'],
])('a generator that %s makes a latency unknown, not a pass', async (_, strain, message) => {
  const outcomes = await outcomesOf(strain);
  for (const id of ['load-generator', 'load-p95-latency']) {
    expect(outcomes[id]).toMatchObject({ outcome: 'unknown', message: expect.stringContaining(message) });
  }
  expect(outcomes['load-error-rate']?.outcome).toBe('pass');
});

test('a limit that is crossed without what the generator adds is crossed', async () => {
  const slow = { samples: [600, 600, 600], lag: 60 };
  expect((await outcomesOf(slow))['load-p95-latency']?.outcome).toBe('fail');
  expect((await outcomesOf({ ...slow, lag: 200 }))['load-p95-latency']?.outcome).toBe('unknown');
});

test('server errors only: the error rate fails, and there is no latency to judge', async () => {
  const outcomes = await outcomesOf({ status: 500 });
  expect(outcomes['load-error-rate']).toMatchObject({
    outcome: 'fail',
    message: expect.stringContaining('3 x 500'),
  });
  expect(outcomes['load-p95-latency']).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('server errors (500)'),
  });
});

test.each([
  [401, 'token refused (401)'],
  [429, 'rate limited (429)'],
  [403, 'identities refused (403)'],
  [0, 'the API did not answer'],
])('a run with only %d is unknown, never a pass, and says why', async (status, reason) => {
  const nobody = { ...finished, studentsFinished: 0, submittedTwice: 0, reasons: { 'not submitted': 2 } };
  const outcomes = await outcomesOf({ status, ledger: nobody });
  for (const id of ['load-p95-latency', 'load-error-rate', 'load-students-finished']) {
    expect(outcomes[id]).toMatchObject({ outcome: 'unknown', message: expect.stringContaining(reason) });
  }
});

test('a run that did not get beyond its preparation says what stopped it', async () => {
  const outcomes = await outcomesOf({ status: 401, phase: 'setup' });
  expect(outcomes['load-p95-latency']).toMatchObject({
    outcome: 'unknown',
    message: 'token refused (401): 3 of 3 requests, so that nothing was measured; 3 x submit 401',
  });
});

test('a run of which most of the preparation failed has an error rate, and says what the platform said', async () => {
  const tally = await Tally.create();
  const one = { at: 0, ms: 10, lag: 0, endpoint: 'read-session', phase: 'setup' } as const;
  for (const status of [500, 500, 500, 200]) tally.add({ ...one, status });
  tally.addFailure({ endpoint: 'read-session', status: 500, said: 'pool exhausted', requestId: 'r-1' });
  tally.addFailure({ endpoint: 'read-session', status: 500, said: 'later', requestId: null });
  tally.add({ ...one, endpoint: 'answer', phase: 'lost', status: 0 });
  const outcomes = loadOutcomes({
    asked: askedBy(plan),
    tally,
    ledger: { ...finished, writes: 0, studentsFinished: 0 },
    aborted: false,
    generator: { busyCores: 0.5, usableCores: 2 },
    ledgerFile: '/l',
    samplesFile: '/s',
  });
  const cause = '3 x read-session 500, the first: pool exhausted (request id r-1)';
  expect(outcomes.find(({ id }) => id === 'load-error-rate')).toMatchObject({
    outcome: 'fail',
    message: expect.stringMatching(/^4 of 5 requests failed before anything could be measured, 80 %/),
  });
  const bad = outcomes.filter(({ id, outcome }) => outcome !== 'pass' && id !== 'load-generator');
  expect(bad).toHaveLength(5);
  for (const { message } of bad) expect(message).toContain(cause);
});

test('a certificate that is not trusted is named, not an API that is down', async () => {
  const tally = await Tally.create();
  tally.add({ at: 0, ms: 10, lag: 0, endpoint: 'create-session', phase: 'setup', status: 0 });
  tally.addFailure({
    endpoint: 'create-session',
    status: 0,
    said: 'x509: unknown authority',
    requestId: null,
  });
  const { message, hint } = noSamplesReason(tally);
  expect(message).toContain('certificate of the API is not trusted');
  expect(hint).toContain('SSL_CERT_FILE');
});

test('a run without a single request is unknown', async () => {
  const outcomes = await outcomesOf({ samples: [], ledger: { ...finished, writes: 0, studentsFinished: 0 } });
  expect(outcomes['load-error-rate']).toMatchObject({ outcome: 'unknown', message: 'no request was sent' });
  expect(outcomes['load-ledger-complete']?.outcome).toBe('unknown');
});

test('students who did not finish fail the run, with their reasons', async () => {
  const ledger = { ...finished, studentsFinished: 0, reasons: { 'without a session: status 400': 1 } };
  expect((await outcomesOf({ ledger }))['load-students-finished']).toMatchObject({
    outcome: 'fail',
    message: '0 of 2 students finished: 1 without a session: status 400; 1 did not come to their end in time',
  });
});

test('what was measured without some of the students is no pass', async () => {
  const outcomes = await outcomesOf({ ledger: { ...finished, studentsFinished: 1 } });
  expect(outcomes['load-p95-latency']).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('but 1 of 2 virtual students did not come to their end'),
  });
  expect(outcomes['load-error-rate']?.outcome).toBe('unknown');
  const told = { ...finished, studentsFinished: 1, reasons: { 'not submitted: status 503': 1 } };
  expect((await outcomesOf({ ledger: told }))['load-p95-latency']?.outcome).toBe('pass');
});

test('a ledger with holes is unknown, because reconciling it would prove nothing', async () => {
  expect((await outcomesOf({ ledger: { ...finished, writes: 2 } }))['load-ledger-complete']).toMatchObject({
    outcome: 'unknown',
    message: '2 writes in the ledger, 3 requests',
  });
});

test('a second submit with another score fails and names the session', async () => {
  const ledger = { ...finished, scoresDiffer: ['session-1'] };
  expect((await outcomesOf({ ledger }))['load-submit-same-score']).toMatchObject({
    outcome: 'fail',
    message: expect.stringContaining('session-1'),
  });
});

test('a run that was stopped shows no pass, but keeps a fail', async () => {
  const outcomes = await outcomesOf({ aborted: true, samples: [600, 600, 600] });
  expect(outcomes['load-p95-latency']?.outcome).toBe('fail');
  expect(outcomes['load-error-rate']).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('stopped before its end'),
  });
});
