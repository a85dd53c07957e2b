import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunFolders } from '../../src/adapters/run-folders.ts';
import type { FaultRecord } from '../../src/faults/inject-fault.ts';
import { openEnvironment } from '../../src/index.ts';
import type { AuditEntry } from '../../src/lifecycle/audit.ts';
import type { Environment, Snapshot } from '../../src/lifecycle/environment.ts';
import type { Plan } from '../../src/lifecycle/plan.ts';
import { differencesOf } from '../../src/lifecycle/snapshot.ts';
import { openSandbox } from '../../src/sandbox/access.ts';
import { withClient } from '../integration/check-database.ts';
import { Examctl, type Started } from '../support/examctl.ts';

let examctl: Examctl;
let environment: Environment;
let before: Snapshot;
const { signal } = new AbortController();

beforeAll(async () => {
  examctl = new Examctl();
  const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '40');
  expect(exitCode, stderr).toBe(0);
  environment = await openEnvironment('sandbox', { state: examctl.state });
  before = await environment.driver.snapshot();
});
afterAll(() => examctl.remove(), 120_000);

// whatever a test does, the sandbox is as it was, and nothing is open
afterEach(async () => {
  expect(differencesOf(before, await environment.driver.snapshot())).toEqual([]);
  expect(new RunFolders(examctl.state).open()).toEqual([]);
});

const words = (line: string) => line.split(' ').filter(Boolean);
const run = (line: string, ...more: string[]) => examctl.run(...words(line), ...more);
const json = <T>(line: string) => examctl.json<T>(...words(line));
const start = (line: string, env: Record<string, string> = {}) =>
  examctl.start([...words(`fault inject ${line}`), '-o', 'json'], env);
const holds = /: holding for/;

async function recordOf({ ended }: Started): Promise<{ exitCode: number | null; record: FaultRecord }> {
  const { exitCode, stdout, stderr } = await ended;
  if (stdout === '') throw new Error(`it ended with ${exitCode}: ${stderr}`);
  // nothing but progress: neither warnings of Node nor of examctl
  expect(stderr).not.toMatch(/warning/i);
  return { exitCode, record: JSON.parse(stdout) as FaultRecord };
}
const secondsBetween = (from: string | number, to: string) =>
  (Date.parse(to) - (typeof from === 'number' ? from : Date.parse(from))) / 1000;

function query(text: string, values: readonly unknown[] = []) {
  return withClient(openSandbox(examctl.state).databaseUrl, (client) => client.query(text, [...values]));
}

/** Somebody who is not at students.sandbox.local, in an exam that goes on for an hour. */
async function studentBeginsExam(): Promise<void> {
  await query(
    `WITH someone AS (
       INSERT INTO users (id, email, role)
       VALUES (gen_random_uuid(), 'anna@university.example', 'STUDENT')
       ON CONFLICT (email) DO UPDATE SET role = 'STUDENT' RETURNING id)
     INSERT INTO test_sessions (id, user_id, mode, year, blocks_json, total_questions, expires_at)
     SELECT gen_random_uuid(), id, 'EXAM', 1, '["A"]', 5, now() + interval '1 hour' FROM someone`,
  );
}
const studentsEndTheirExams = () =>
  query(`UPDATE test_sessions SET status = 'SUBMITTED', submitted_at = now() WHERE status = 'ACTIVE'`);

describe('fault list', () => {
  interface Row {
    readonly id: string;
    readonly possible: boolean;
    readonly how: string | null;
    readonly whyNot: string | null;
    readonly alternatives: readonly string[];
    readonly parameters: readonly string[];
  }

  it('says what can be made here, what not and why, and what would show the same', async () => {
    const { faults } = await json<{ faults: Row[] }>('fault list');
    const possible = faults.filter((fault) => fault.possible);
    expect(possible.length).toBeGreaterThanOrEqual(16);
    for (const { id, how, whyNot } of possible) expect([typeof how, whyNot], id).toEqual(['string', null]);
    expect(faults.find(({ id }) => id === 'network-delay')?.parameters).toContain(
      'delay=200 (1 to 10000 ms)',
    );
    expect(faults.find(({ id }) => id === 'disk-full')).toMatchObject({
      possible: false,
      how: null,
      whyNot: expect.stringContaining('never filled'),
      alternatives: ['memory-stress', 'database-outage'],
    });

    const { stdout } = await run('fault list');
    expect(stdout).toMatch(/^disk-full\tno\t/m);
    expect(stdout).toMatch(
      /disk-full: .*never filled; about the same is shown by memory-stress, database-outage/,
    );
  });

  it('looks anew: a fault of what does not run is not possible', async () => {
    await environment.driver.stop('cache', signal);
    try {
      const { faults } = await json<{ faults: Row[] }>('fault list');
      expect(faults.find(({ id }) => id === 'redis-hang')).toMatchObject({
        possible: false,
        whyNot: 'cache-1 does not run',
      });
    } finally {
      await environment.driver.start('cache', signal);
    }
  });
});

describe('fault inject', () => {
  it('as a dry run shows whom it hits and for how long, and changes nothing', async () => {
    const line = 'fault inject network-delay --set to=database --set delay=300 --for 5s --dry-run';
    const { exitCode, stdout } = await run(line);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('hits network between backend and database: pages wait for each exchange');
    expect(stdout).toContain('no student is in an exam');
    expect(stdout).toMatch(/^1\tnetwork between backend and database\tundisturbed\t300 ms later\tyes\t3$/m);
    expect(stdout).toContain('Held for 5 s, then reverted.');
    expect(stdout).toMatch(/^Digest [0-9a-f]{16}$/m);
    const plan = await json<Plan>(line);
    expect(plan).toMatchObject({
      parameters: { fault: 'network-delay', seconds: 5, from: 'backend', to: 'database', delay: 300 },
      holdSeconds: 5,
      before,
    });
    expect(plan.changes.map(({ apply, revert }) => [apply.kind, revert?.kind])).toEqual([
      ['disturb', 'calm'],
    ]);
    expect(new RunFolders(examctl.state).list()).toEqual([]);
  });

  it('of what cannot be made here says why, with 3, and changes nothing', async () => {
    const { exitCode, stderr } = await run('fault inject network-delay --set from=edge --set to=cache');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('not edge -> cache');
    expect(stderr).toContain('about the same is shown by: database-slow, redis-hang');
    expect(new RunFolders(examctl.state).list()).toEqual([]);
  });

  it('obeys --set, and leaves its evidence', { timeout: 120_000 }, async () => {
    const { exitCode, record } = await recordOf(
      start('network-delay --set to=database --set delay=120 --for 2s'),
    );
    expect(record).toMatchObject({
      values: { to: 'database', delay: 120 },
      stopped: null,
      verdict: { outcome: 'pass' },
    });
    expect(exitCode).toBe(0);
    expect(record.during.p95Ms).toBeGreaterThan(120);
    expect(record.before.p95Ms).toBeLessThan(record.during.p95Ms ?? 0);
    const { folder, ...printed } = record as FaultRecord & { folder: string };
    const evidence = JSON.parse(readFileSync(join(folder, 'evidence/fault-network-delay.json'), 'utf8'));
    expect(printed).toMatchObject(evidence);
  });

  it('of a momentary one is over when it is made, and waits until the platform is steady', {
    timeout: 120_000,
  }, async () => {
    const { exitCode, record } = await recordOf(start('worker-kill'));
    expect(exitCode, JSON.stringify(record.verdict)).toBe(0);
    expect(record.endedAt).toBe(record.begunAt);
    expect(record.recoverySeconds).not.toBeNull();
  });

  it('of a clock that is off changes nothing, and still judges', { timeout: 120_000 }, async () => {
    const { exitCode, record } = await recordOf(start('clock-skew --set skew=-120 --for 1s'));
    expect(exitCode, JSON.stringify(record.verdict)).toBe(0);
    expect(record.during.requests).toBeGreaterThan(5);
  });

  it('ends when --stop-if is crossed, and that is bad', { timeout: 120_000 }, async () => {
    const { exitCode, record } = await recordOf(start('database-outage --for 60s --stop-if error_rate>0.2'));
    expect(exitCode).toBe(1);
    expect(record.stopped).toMatchObject({
      cause: 'condition',
      text: expect.stringMatching(/^error_rate>0.2: /),
    });
    expect(record.verdict).toMatchObject({
      outcome: 'fail',
      message: expect.stringContaining('ended early'),
    });
    expect(secondsBetween(record.effectAt, record.endedAt)).toBeLessThan(60);
  });

  it('of a system that is ill is refused, and the plan shows what is wrong', async () => {
    await environment.driver.stop('cache', signal);
    try {
      const { exitCode, stderr } = await run('fault inject worker-kill');
      expect(exitCode).toBe(4);
      expect(stderr).toContain('not in its steady state');
      expect(stderr).toContain('cache-1 is stopped');
    } finally {
      await environment.driver.start('cache', signal);
    }
  });
});

describe('a student who is in an exam, and not the rehearsal’s own', () => {
  it('ends a fault, keeps the next one off, and yields only to break-glass', {
    timeout: 90_000,
  }, async () => {
    const fault = start('redis-outage --for 60s');
    await fault.says(holds);
    const begun = Date.now();
    await studentBeginsExam();
    try {
      const { exitCode, record } = await recordOf(fault);
      expect(secondsBetween(begun, record.endedAt)).toBeLessThan(60);
      expect(exitCode).toBe(5);
      expect(record.stopped).toMatchObject({
        cause: 'exam',
        text: expect.stringMatching(/^1 student who is not the rehearsal's own is/),
      });
      expect(record.verdict.outcome).toBe('unknown');

      const refused = await run('fault inject redis-outage --for 1s');
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toMatch(/1 student who is not the rehearsal's own is in an exam until \d{4}-/);
      expect(refused.stderr).toContain('--break-glass --reason');
      const plan = await json<Plan>('fault inject redis-outage --dry-run');
      expect(plan.impact).toMatchObject({ sessionsInProgress: 1, othersInProgress: 1 });

      const without = await run('fault inject redis-outage --for 1s --break-glass');
      expect(without).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--reason') });
      const emergency = start('redis-outage --for 1s --break-glass --reason drill');
      expect((await recordOf(emergency)).record.stopped).toBe(null);
    } finally {
      await studentsEndTheirExams();
    }
  });
});

interface Status {
  readonly broken: readonly Record<string, unknown>[];
}

describe('a fault that somebody else undoes', () => {
  it('is not called held: the verdict is open', { timeout: 120_000 }, async () => {
    const injecting = start('redis-outage --for 30s');
    await injecting.says(holds);
    await environment.driver.start('cache', signal);
    const { exitCode, record } = await recordOf(injecting);
    expect(record.stopped).toMatchObject({ cause: 'gone' });
    expect(record.verdict).toMatchObject({ outcome: 'unknown' });
    expect(exitCode).toBe(3);
  });
});

describe('another state folder', () => {
  it('does not say that no fault holds, and injects none on top of what it finds', {
    timeout: 120_000,
  }, async () => {
    const other = new Examctl();
    const config = join(other.cwd, 'examctl.yaml');
    const access = openSandbox(examctl.state);
    writeFileSync(
      config,
      JSON.stringify({
        environments: {
          sandbox: {
            platform: 'exam-platform',
            driver: { kind: 'compose', file: 'none.yml' },
            api: { url: new URL(access.apiUrl).origin },
            database: { url: `\${env:DATABASE_OF_SANDBOX}` },
          },
        },
      }),
    );
    const injecting = start('redis-hang --for 30s');
    await injecting.says(holds);

    const halt = await other.start(['fault', 'halt', '-e', 'sandbox', '--config', config], {
      DATABASE_OF_SANDBOX: access.databaseUrl,
    }).ended;
    injecting.process.kill('SIGTERM');
    const { exitCode } = await injecting.ended;

    expect(halt.exitCode, halt.stderr).toBe(3);
    expect(halt.stderr).toContain('its journal is not in this state folder');
    expect(exitCode).toBe(143);
    rmSync(other.state, { recursive: true });
    rmSync(other.cwd, { recursive: true });
  });

  it('that left a fault is seen by the next run', { timeout: 120_000 }, async () => {
    const what = { id: 'cpu-stress', disturbance: { kind: 'cpu', service: 'backend', cores: 1 } } as const;
    const { disturber } = environment.driver;
    await disturber.disturb({ ...what, lifeSeconds: 60 }, signal);
    try {
      const { exitCode, stderr } = await run('fault inject redis-outage --for 1s');
      expect(exitCode, stderr).toBe(4);
      expect(stderr).toContain('cpu-stress');
      expect(stderr).toContain('examctl fault clear');
    } finally {
      await disturber.calm(what, signal);
    }
  });
});

describe('fault status and halt', () => {
  it('show who breaks what until when, keep a second operator off, and end it from another terminal', {
    timeout: 120_000,
  }, async () => {
    const fault = start('redis-outage --for 50s --reason drill', { EXAMCTL_ACTOR: 'anna' });
    await fault.says(holds);
    const { broken } = await json<Status>('fault status');
    expect(broken).toEqual([
      {
        run: expect.stringContaining('fault-inject-redis-outage'),
        operation: 'fault inject redis-outage',
        environment: 'sandbox',
        target: 'service cache',
        since: expect.any(String),
        until: expect.any(String),
        by: 'anna',
        alive: true,
        seen: true,
      },
    ]);
    const { since, until: deadline } = broken[0] as { since: string; until: string };
    expect(secondsBetween(since, deadline)).toBeGreaterThanOrEqual(50);
    expect(secondsBetween(since, deadline)).toBeLessThan(90);

    const second = await run('fault inject worker-kill');
    expect(second.exitCode).toBe(4);
    expect(second.stderr).toMatch(/anna@.* holds the run lock .* for fault inject redis-outage \("drill"\)/);
    const clear = await run('fault clear');
    expect(clear).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('examctl fault halt') });

    const ordered = Date.now();
    const halt = await examctl.json<{ halted: { targets: string[]; seconds: number }[] }>(
      ...words('fault halt --reason'),
      'students see errors',
    );
    expect(halt.halted).toMatchObject([{ targets: ['service cache'] }]);
    const { exitCode, record } = await recordOf(fault);
    expect(exitCode).toBe(5);
    expect(record.stopped).toMatchObject({
      cause: 'halt',
      text: expect.stringContaining('students see errors'),
    });
    expect(halt.halted[0]?.seconds).toBeLessThan(50);
    process.stdout.write(
      `fault halt: ${halt.halted[0]?.seconds.toFixed(2)} s after the order, ${secondsBetween(ordered, record.revertedAt).toFixed(2)} s after the command began\n`,
    );
    const { entries } = await json<{ entries: AuditEntry[] }>('audit log --limit 20');
    expect(entries).toContainEqual(
      expect.objectContaining({ action: 'fault halt', reason: 'students see errors', run: broken[0]?.run }),
    );
    expect(await json<Status>('fault status')).toMatchObject({ broken: [] });
  });

  it('end it by its guardian when its own process hangs, which then proves what the guardian did', {
    timeout: 120_000,
  }, async () => {
    const fault = start('redis-hang --for 50s');
    await fault.says(holds);
    fault.process.kill('SIGSTOP');
    try {
      const { halted } = await json<{ halted: { targets: string[]; seconds: number }[] }>('fault halt');
      expect(halted).toMatchObject([{ targets: ['service cache'] }]);
      expect(halted[0]?.seconds).toBeLessThan(50);
      process.stdout.write(`fault halt of a process that hangs: ${halted[0]?.seconds.toFixed(2)} s\n`);
      expect((await environment.driver.instances()).every(({ state }) => state === 'running')).toBe(true);
    } finally {
      fault.process.kill('SIGCONT');
    }
    const { exitCode, record } = await recordOf(fault);
    expect(exitCode).toBe(5);
    expect(record.stopped).toMatchObject({ cause: 'halt' });
    const folders = new RunFolders(examctl.state);
    const lines = await folders.journal(folders.list()[0] ?? '').read();
    expect(lines.filter(({ type }) => type === 'revert.verified')).toMatchObject([{ by: 'guardian' }]);
    expect(lines.filter(({ type }) => type === 'state.proven')).toMatchObject([{ by: 'run' }]);
  });

  it('of an environment where nothing is broken say so', async () => {
    expect(await run('fault status')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Nothing is changed by the runs of this state folder'),
    });
    expect(await run('fault halt')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('No fault holds on sandbox'),
    });
  });
});

describe('fault clear', () => {
  const cleared = (line = '') => json<{ recovered: boolean; cleared: string[] }>(`fault clear ${line}`);

  it('has nothing to do where nothing is broken', async () => {
    expect(await run('fault clear')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Nothing else of a fault is there'),
    });
  });

  it('undoes what nobody here knows of, however strong it is, and a dry run only shows it', {
    timeout: 120_000,
  }, async () => {
    const { disturber } = environment.driver;
    const lifeSeconds = 120;
    const disturb = (id: string, disturbance: Parameters<typeof disturber.disturb>[0]['disturbance']) =>
      disturber.disturb({ id, disturbance, lifeSeconds }, signal);
    await disturb('network-delay', {
      kind: 'network-delay',
      from: 'backend',
      to: 'database',
      milliseconds: 77,
    });
    await disturb('vendor-errors', { kind: 'vendor', answer: 'timeout' });
    await disturb('cpu-stress', { kind: 'cpu', service: 'edge', cores: 1 });
    await environment.driver.pause('cache', signal);
    const there = await environment.driver.snapshot();
    const targets = [
      'cpu-stress at edge',
      'network-delay at database',
      'vendor-errors at the environment',
      'paused service cache',
    ];

    const plan = await json<Plan>('fault clear --dry-run');
    expect(plan.changes.map(({ target }) => target)).toEqual(targets);
    expect(await environment.driver.snapshot()).toEqual(there);

    expect(await cleared()).toMatchObject({ recovered: false, cleared: targets });
    expect(differencesOf(before, await environment.driver.snapshot())).toEqual([]);
    expect(await cleared()).toMatchObject({ cleared: [] });
  });

  /** A fault at work whose run and guardian are killed. */
  async function abandoned(line: string): Promise<string> {
    const fault = start(line);
    await fault.says(holds);
    const folders = new RunFolders(examctl.state);
    const [id = ''] = folders.list();
    const lines = await folders.journal(id).read();
    const guardian = lines.find((entry) => entry.type === 'guardian.ready');
    if (guardian === undefined) throw new Error('there is no guardian');
    process.kill(guardian.pid, 'SIGKILL');
    fault.process.kill('SIGKILL');
    await fault.ended;
    return id;
  }

  it('reverts by its journal what a dead run has left', { timeout: 120_000 }, async () => {
    await abandoned('redis-outage --for 50s');
    expect(await json<Status>('fault status')).toMatchObject({ broken: [{ alive: false }] });
    expect(await cleared()).toMatchObject({ recovered: true, cleared: [] });
    expect(await json<Status>('fault status')).toMatchObject({ broken: [] });
  });

  it('undoes by looking what a run has left whose folder is lost', { timeout: 120_000 }, async () => {
    const id = await abandoned('network-cut --for 50s');
    rmSync(join(examctl.state, 'runs', id), { recursive: true });
    rmSync(join(examctl.state, 'open', `${id}.json`));
    // its lease ends by itself, too, a quarter of a minute later
    await run('runs unlock --break-glass --reason lost');
    expect(await cleared()).toMatchObject({ recovered: false, cleared: ['network-cut at cache'] });
  });
});
