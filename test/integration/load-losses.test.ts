import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findK6 } from '../../src/adapters/k6.ts';
import type { Identity } from '../../src/lifecycle/environment.ts';
import { reconcile } from '../../src/load/reconcile/reconcile.ts';
import type { NamedFinding } from '../../src/load/reconcile/reconciliation.ts';
import { type LoadOptions, runLoad } from '../../src/load/run-load.ts';
import { type PlantedLoss, plantedLossesFile } from '../../src/sandbox/backend/planted-losses.ts';
import { breakWith, mend } from '../../src/sandbox/defect-switch.ts';
import type { DefectId } from '../../src/sandbox/defects.ts';
import { locateSandbox } from '../../src/sandbox/folder.ts';
import { up } from '../../src/sandbox/sandbox.ts';
import { loadPorts } from '../support/load-ports.ts';
import { type TestSandbox, testSandbox } from '../support/sandbox.ts';
import { type SandboxEnvironment, sandboxEnvironment } from '../support/sandbox-environment.ts';

const k6 = await findK6(process.env);
const engine = 'missing' in k6 ? 'builtin' : 'k6';

let sandbox: TestSandbox;
let environment: SandboxEnvironment;
let folder: string;
let students: readonly Identity[];
const { signal } = new AbortController();

beforeAll(async () => {
  sandbox = testSandbox();
  await up(sandbox.context, { students: 400 });
  environment = await sandboxEnvironment(sandbox.context.stateFolder);
  students = await environment.identities(400);
  folder = mkdtempSync(join(tmpdir(), 'examctl-losses-'));
}, 120_000);

afterAll(async () => {
  await environment?.close();
  await sandbox?.remove();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

let runs = 0;
/** Each run has other students: the same ones may create only ten sessions a minute. */
async function load(options: Partial<LoadOptions> = {}) {
  runs += 1;
  const first = (runs - 1) * 40;
  return runLoad(
    {
      environment,
      scenario: 'answers',
      engine,
      folder: join(folder, `${runs}`),
      signal,
      overrides: { students: 40, seconds: 10 },
      identities: [...students.slice(first), ...students.slice(0, first)],
      ...options,
    },
    loadPorts,
  );
}

interface Answered {
  readonly kind: string;
  readonly sessionId: string;
  readonly questionId: string;
  readonly outcome: string;
  readonly acknowledged: number | null;
  readonly storedAt: string | null;
}

/** "session question" of each answer that a defect took, unless a later one to the same question was acknowledged. */
function plantedIn(ledgerFile: string, defect: DefectId): string[] {
  const file = join(locateSandbox(sandbox.context.stateFolder).folder, plantedLossesFile);
  if (!existsSync(file)) return [];
  const planted = new Map<string, PlantedLoss['what']>();
  for (const line of linesOf<PlantedLoss>(file))
    if (line.defect === defect) planted.set(`${keyOf(line)} ${line.storedAt}`, line.what);
  return [...lastAcknowledged(ledgerFile)]
    .filter(([key, { storedAt }]) => {
      const told = storedAt === null ? null : new Date(storedAt).toISOString();
      return planted.get(`${key} ${told}`) === 'planted';
    })
    .map(([key]) => key)
    .sort();
}

/** The same by the database alone: what is stored is not what was acknowledged last, and nothing unanswered was sent there. */
async function lostBy(ledgerFile: string): Promise<string[]> {
  const { rows } = await environment.withPostgres((postgres) =>
    postgres.query<{ key: string; selected_index: number | null }>(
      "SELECT session_id || ' ' || question_id AS key, selected_index FROM session_answers",
    ),
  );
  const stored = new Map(rows.map(({ key, selected_index: selected }) => [key, selected]));
  const unanswered = linesOf<Answered>(ledgerFile).filter(({ outcome }) => outcome === 'unknown');
  const unclear = new Set(unanswered.map(keyOf));
  return [...lastAcknowledged(ledgerFile)]
    .filter(([key, { acknowledged }]) => stored.get(key) !== acknowledged && !unclear.has(key))
    .map(([key]) => key)
    .sort();
}

function lastAcknowledged(ledgerFile: string): Map<string, Answered> {
  const last = new Map<string, Answered>();
  for (const line of linesOf<Answered>(ledgerFile))
    if (line.kind === 'answer' && line.outcome === 'acknowledged') last.set(keyOf(line), line);
  return last;
}

function keyOf({ sessionId, questionId }: { sessionId: string; questionId: string }): string {
  return `${sessionId} ${questionId}`;
}

function linesOf<Line>(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Line);
}

/** Of the answers; a session's score may not be that of its answers any more. */
function foundIn(findingsFile: string | null): string[] {
  if (findingsFile === null) return [];
  return linesOf<NamedFinding>(findingsFile)
    .filter(({ questionId }) => questionId !== undefined)
    .map(({ sessionId, questionId }) => `${sessionId} ${questionId}`)
    .sort();
}

describe(`what a defect takes from students is found, all of it and nothing else (${engine})`, () => {
  test.each<DefectId>(['lost-answers', 'wrong-option', 'lost-update'])('%s', async (defect) => {
    await breakWith(sandbox.context, defect);
    const { ledgerFile } = await load();
    await mend(sandbox.context, defect);
    const planted = plantedIn(ledgerFile, defect);
    expect(planted.length).toBeGreaterThan(0);
    const { findingsFile, outcome } = await reconcile([ledgerFile], environment);
    expect(foundIn(findingsFile)).toEqual(planted);
    expect(outcome).toBe('fail');
  });

  test('early-acknowledgement, when a worker is killed', async () => {
    await breakWith(sandbox.context, 'early-acknowledgement');
    const loading = load();
    for (let kill = 0; kill < 3; kill += 1) {
      await sleep(3_500);
      await environment.driver.killWorker('backend', signal);
    }
    const { ledgerFile } = await loading;
    // what is stored late is stored by now
    await sleep(1_000);
    await mend(sandbox.context, 'early-acknowledgement');
    expect(plantedIn(ledgerFile, 'early-acknowledgement').length).toBeGreaterThan(0);
    const { findingsFile } = await reconcile([ledgerFile], environment);
    // a worker may be killed after it has stored an answer and before it has that on record
    const lost = await lostBy(ledgerFile);
    expect(lost.length).toBeGreaterThan(0);
    expect(foundIn(findingsFile)).toEqual(expect.arrayContaining(lost));
  });

  test('double-submit', async () => {
    await breakWith(sandbox.context, 'double-submit');
    const { ledgerFile } = await load({ scenario: 'submit-spike' });
    await mend(sandbox.context, 'double-submit');
    const { counts, findingsFile } = await reconcile([ledgerFile], environment);
    const { rows } = await environment.withPostgres((postgres) =>
      postgres.query<{ id: string }>(
        `SELECT session_id AS id FROM attempt_events WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
          GROUP BY session_id HAVING count(DISTINCT payload_json) > 1`,
      ),
    );
    expect(counts.doubled).toBeGreaterThan(0);
    const found = linesOf<NamedFinding>(findingsFile ?? '').map(({ sessionId }) => sessionId);
    expect(found.sort()).toEqual(rows.map(({ id }) => id).sort());
  });
});

describe(`nothing is found on a sound platform (${engine})`, () => {
  test('in a whole exam, with connections that are lost', async () => {
    const { ledgerFile } = await load({ scenario: 'exam-day', overrides: { students: 40, seconds: 16 } });
    const result = await reconcile([ledgerFile], environment);
    expect(result).toMatchObject({ outcome: 'pass', findingsFile: null, sessions: 40 });
    expect(result.answers).toBeGreaterThan(200);
  });

  test.each<[string, () => Promise<void>]>([
    [
      'workers are killed',
      async () => {
        for (let kill = 0; kill < 3; kill += 1) {
          await environment.driver.killWorker('backend', signal);
          await sleep(1_500);
        }
      },
    ],
    [
      'Redis is stopped',
      async () => {
        await environment.driver.stop('cache', signal);
        await sleep(4_000);
        await environment.driver.start('cache', signal);
      },
    ],
    [
      'the database is stopped',
      async () => {
        await environment.driver.stop('database', signal);
        await sleep(2_000);
        await environment.driver.start('database', signal);
      },
    ],
    [
      'packets to the database are lost',
      async () => {
        const disturbance = { kind: 'network-loss', from: 'backend', to: 'database', share: 0.2 } as const;
        const what = { id: 'test network-loss', disturbance };
        await environment.driver.disturber.disturb({ ...what, lifeSeconds: 30 }, signal);
        await sleep(4_000);
        await environment.driver.disturber.calm(what, signal);
      },
    ],
  ])('while %s', { timeout: 90_000 }, async (_, fault) => {
    const loading = load({ scenario: 'exam-day', overrides: { students: 40, seconds: 14 } });
    await sleep(4_000);
    await fault();
    const { ledgerFile } = await loading;
    const result = await reconcile([ledgerFile], environment);
    expect(result.named).toEqual([]);
    expect(result.outcome).toBe('pass');
    expect(result.answers).toBeGreaterThan(100);
  });
});
