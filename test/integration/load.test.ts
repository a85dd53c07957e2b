import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findK6 } from '../../src/adapters/k6.ts';
import { openPostgres } from '../../src/adapters/postgres.ts';
import type { Identity } from '../../src/lifecycle/environment.ts';
import { Refused } from '../../src/lifecycle/errors.ts';
import { findLimit } from '../../src/load/find-limit.ts';
import { reconcile } from '../../src/load/reconcile/reconcile.ts';
import { type LoadOptions, runLoad } from '../../src/load/run-load.ts';
import { scenarios } from '../../src/load/scenarios/index.ts';
import { breakWith, mend } from '../../src/sandbox/defect-switch.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { loadPorts } from '../support/load-ports.ts';
import { isFull, onlyInFull } from '../support/sample.ts';
import { type TestSandbox, testSandbox } from '../support/sandbox.ts';
import { type SandboxEnvironment, sandboxEnvironment } from '../support/sandbox-environment.ts';

const k6 = await findK6(process.env);
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'examctl', 'bin');
const majorBefore = await findK6({ K6_BIN: join(cache, 'v1.8.1', 'k6') });
const whyNotMajorBefore = !isFull
  ? onlyInFull
  : 'missing' in majorBefore
    ? `${majorBefore.missing} (K6_VERSION=v1.8.1 sh scripts/install-k6.sh)`
    : null;
const engines = [
  { engine: 'builtin', why: null },
  { engine: 'k6', why: 'missing' in k6 ? `${k6.missing} (${k6.hint})` : null },
] as const;
/** Other tests share the cores: what the platform does is looked at here, and not how fast. */
const unhurried = { p95Ms: 20_000, errorRate: 0.01, dbPool: 0.8 };

let sandbox: TestSandbox;
let environment: SandboxEnvironment;
let folder: string;
let students: readonly Identity[];

beforeAll(async () => {
  sandbox = testSandbox();
  await up(sandbox.context, { students: 400 });
  environment = { ...(await sandboxEnvironment(sandbox.context.stateFolder)), thresholds: unhurried };
  students = await environment.identities(400);
  folder = mkdtempSync(join(tmpdir(), 'examctl-load-'));
}, 120_000);

afterAll(async () => {
  await environment?.close();
  await sandbox?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

let runs = 0;
/** Each run has other students at the front: the same ones may create only ten sessions a minute. */
async function load(options: Partial<LoadOptions>, by = loadPorts) {
  runs += 1;
  const first = (runs - 1) * 20;
  return runLoad(
    {
      environment,
      scenario: 'answers',
      engine: 'builtin',
      folder: join(folder, `${runs}`),
      signal: new AbortController().signal,
      overrides: { students: 12, seconds: 3 },
      identities: [...students.slice(first), ...students.slice(0, first)],
      ...options,
    },
    by,
  );
}

function outcomes(of: { outcomes: readonly { id: string; outcome: string }[] }) {
  return Object.fromEntries(of.outcomes.map(({ id, outcome }) => [id, outcome]));
}

async function sessionsInProgress(): Promise<number> {
  const { rows } = await environment.withPostgres((postgres) =>
    postgres.query<{ count: number }>(`SELECT count(*)::int FROM test_sessions WHERE status = 'ACTIVE'`),
  );
  return rows[0]?.count ?? -1;
}

describe.each(engines)('with the engine $engine', ({ engine, why }) => {
  beforeEach(({ skip }) => {
    if (why !== null) skip(why);
  });

  test.each(scenarios.map(({ id }) => id))(
    '%s passes, is reconciled, and leaves no session open',
    async (scenario) => {
      const result = await load({ scenario, engine });
      expect(Object.values(outcomes(result))).toEqual(result.outcomes.map(() => 'pass'));
      expect(result).toMatchObject({
        engine: { name: engine },
        virtualStudents: 12,
        studentsFinished: 12,
        failed: 0,
      });
      expect(result.requests).toBeGreaterThanOrEqual(12);
      const reconciled = await reconcile([result.ledgerFile], environment);
      expect(reconciled).toMatchObject({ outcome: 'pass', named: [], findingsFile: null });
      expect(reconciled.submits).toBeGreaterThanOrEqual(12);
      const timeline = readFileSync(result.timelineFile, 'utf8').trim().split('\n');
      const counted = timeline.reduce((sum, line) => sum + Number(JSON.parse(line).requests), 0);
      expect(counted).toBe(result.requests);
      expect(await sessionsInProgress()).toBe(0);
    },
  );

  test('a run with tokens that the platform refuses is unknown and says so', async () => {
    const identities = (await environment.identities(4)).map((identity) => ({
      ...identity,
      token: 'not.a.token',
    }));
    const result = await load({ engine, identities, overrides: { students: 4, seconds: 1 } });
    expect(new Set(Object.values(outcomes(result)))).toEqual(new Set(['unknown']));
    expect(result.outcomes[0]?.message).toContain('token refused (401)');
  });

  test('an abort ends it, keeps what was measured, and leaves no session open', async () => {
    const abort = new AbortController();
    const result = await load({
      engine,
      signal: abort.signal,
      // longer than the test may take
      overrides: { students: 12, seconds: 60 },
      onProgress: ({ requests }) => {
        if (requests > 0) abort.abort();
      },
    });
    expect(result.aborted).toBe(true);
    expect(result.requests).toBeGreaterThan(0);
    expect(outcomes(result)['load-p95-latency']).toBe('unknown');
    expect(await reconcile([result.ledgerFile], environment)).toMatchObject({ outcome: 'pass' });
    expect(result.sessionsLeftOpen).toBe(0);
    expect(await sessionsInProgress()).toBe(0);
  });
});

describe('with the major of k6 before the current one', () => {
  beforeEach(({ skip }) => {
    if (whyNotMajorBefore !== null) skip(whyNotMajorBefore);
  });

  test.each(scenarios.map(({ id }) => id))('%s passes and is reconciled', async (scenario) => {
    const result = await load({ scenario, engine: 'k6' }, { ...loadPorts, findK6: async () => majorBefore });
    expect(Object.values(outcomes(result))).toEqual(result.outcomes.map(() => 'pass'));
    expect(result).toMatchObject({ engine: { name: 'k6', version: '1.8.1' }, studentsFinished: 12 });
    expect(await reconcile([result.ledgerFile], environment)).toMatchObject({ outcome: 'pass', named: [] });
  });
});

describe('what the platform does wrong is seen', () => {
  test('answers that are acknowledged and lost', async () => {
    const result = await withDefect('lost-answers', () => load({ overrides: { students: 40, seconds: 5 } }));
    const reconciled = await reconcile([result.ledgerFile], environment);
    expect(reconciled.outcome).toBe('fail');
    expect(reconciled.counts.lost + reconciled.counts.changed).toBeGreaterThan(0);
    expect(reconciled.parts.map(({ outcome }) => outcome)).toEqual(['fail', 'pass']);
  });

  test('submits that are counted twice', async () => {
    const result = await withDefect('double-submit', () => load({ scenario: 'submit-spike' }));
    const reconciled = await reconcile([result.ledgerFile], environment);
    expect(reconciled.counts.doubled).toBeGreaterThan(0);
    expect(reconciled.parts.map(({ outcome }) => outcome)).toEqual(['pass', 'fail']);
  });

  test('server errors, of which none loses an acknowledged answer', async () => {
    const result = await withDefect('server-errors', () => load({ overrides: { students: 40, seconds: 5 } }));
    expect(outcomes(result)['load-error-rate']).toBe('fail');
    expect(await reconcile([result.ledgerFile], environment)).toMatchObject({ outcome: 'pass' });
  });

  test('answers that take too long', async () => {
    const hurried = { ...environment, thresholds: { ...unhurried, p95Ms: 100 } };
    const result = await withDefect('slow-queries', () =>
      load({ environment: hurried, overrides: { students: 4, seconds: 3 } }),
    );
    expect(outcomes(result)['load-p95-latency']).toBe('fail');
    expect(outcomes(result)['load-error-rate']).toBe('pass');
  });

  test('what is kept of a run names no student by id, address or token', async () => {
    const { ledgerFile, samplesFile, timelineFile } = await load({ overrides: { students: 2, seconds: 1 } });
    const kept = [ledgerFile, samplesFile, timelineFile].map((file) => readFileSync(file, 'utf8')).join('');
    expect(kept).toContain('"student":2');
    for (const { userId, email, token } of await environment.identities(2)) {
      for (const secret of [userId, email, token]) expect(kept).not.toContain(secret);
    }
  });

  test('a row that is gone and a row that was changed are named by ledger line, session and question', async () => {
    const { ledgerFile } = await load({ overrides: { students: 4, seconds: 2 } });
    const lines = readFileSync(ledgerFile, 'utf8')
      .split('\n')
      .map((text, index) => ({ number: index + 1, ...JSON.parse(text || '{}') }))
      .filter(({ kind }) => kind === 'answer');
    const last = new Map(lines.map((line) => [`${line.sessionId} ${line.questionId}`, line]));
    const [gone, changed] = [...last.values()];
    await environment.withPostgres(
      async (postgres) => {
        const key = [gone.sessionId, gone.questionId];
        await postgres.query('DELETE FROM session_answers WHERE session_id = $1 AND question_id = $2', key);
        await postgres.query(
          `UPDATE session_answers SET selected_index = ($3 + 1) % 5 WHERE session_id = $1 AND question_id = $2`,
          [changed.sessionId, changed.questionId, changed.sent],
        );
      },
      { readOnly: false },
    );
    const reconciled = await reconcile([ledgerFile], environment);
    expect(reconciled).toMatchObject({ outcome: 'fail', counts: { lost: 1, changed: 1, ghost: 0 } });
    // the scores that were acknowledged may have counted these answers
    expect(reconciled.named.filter(({ what }) => what !== 'score-wrong')).toMatchObject([
      { line: gone.number, sessionId: gone.sessionId, questionId: gone.questionId, what: 'lost' },
      { line: changed.number, sessionId: changed.sessionId, questionId: changed.questionId, what: 'changed' },
    ]);
  });
});

describe('how many students the environment carries', () => {
  const limit = (scenario: string, from: number, thresholds = environment.thresholds) =>
    findLimit(
      {
        environment: { ...environment, thresholds, identities: async () => students.slice(380) },
        scenario,
        engine: 'builtin',
        folder: join(folder, `limit-${scenario}`),
        signal: new AbortController().signal,
        overrides: { seconds: 2 },
        from,
      },
      loadPorts,
    );

  test('is at least as many as there are to try with, when no threshold is crossed', async () => {
    const { steps, outcome, carried } = await limit('session-burst', 8);
    expect(steps.map(({ students }) => students)).toEqual([8, 16, 20]);
    expect(outcome).toMatchObject({
      outcome: 'pass',
      message: '20 students, and there are no more to try with',
    });
    expect(carried).toBe(20);
    for (const { resources } of steps)
      expect(resources.map(({ resource }) => resource)).toContain('database pool');
  });

  test('is nobody when the first step crosses one already', async () => {
    const { outcome, crossedAt } = await withDefect('slow-queries', () =>
      limit('answers', 1, { ...unhurried, p95Ms: 100 }),
    );
    expect(outcome).toMatchObject({
      outcome: 'fail',
      message: expect.stringMatching(/^not even 1 student; with 1: p95/),
    });
    expect(crossedAt).toBe(1);
  });
});

describe('what cannot be known is not passed', () => {
  test('a database that does not answer leaves the ledger unknown', async () => {
    const { ledgerFile } = await load({ scenario: 'session-burst', overrides: { students: 2, seconds: 1 } });
    const unreachable = { ...environment, withPostgres: openPostgres('postgres://nobody@127.0.0.1:1/none') };
    expect(await reconcile([ledgerFile], unreachable)).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  test('an engine that is asked for and not there is an error, not another engine', async () => {
    const missing = { ...loadPorts, findK6: async () => ({ missing: 'no k6', hint: 'install it' }) };
    const options = {
      environment,
      scenario: 'answers',
      engine: 'k6',
      folder,
      signal: new AbortController().signal,
    };
    await expect(runLoad(options as LoadOptions, missing)).rejects.toThrow('k6 cannot be used: no k6');
  });
});

test('load beside an exam of others is refused, and beside its own sessions it is not', async () => {
  const [student, ...others] = [...students].reverse();
  if (student === undefined) throw new Error('no student');
  const created = await environment.api.request({
    method: 'POST',
    path: '/sessions',
    as: { token: student.token },
    body: { mode: 'EXAM', year: 1, blocks: ['A'], count: 5, duration_seconds: 60 },
  });
  expect(created.status).toBe(200);
  const small = { students: 2, seconds: 1 };
  const before = await sessionsInProgress();
  await expect(load({ identities: others, overrides: small })).rejects.toThrow(Refused);
  expect(await sessionsInProgress()).toBe(before);
  const { session_id: id } = created.body as { session_id: string };
  await environment.api.request({
    method: 'POST',
    path: `/sessions/${id}/submit`,
    as: { token: student.token },
  });
});

async function withDefect<T>(defect: string, run: () => Promise<T>): Promise<T> {
  await breakWith(sandbox.context, defect);
  try {
    return await run();
  } finally {
    await mend(sandbox.context, defect);
  }
}
