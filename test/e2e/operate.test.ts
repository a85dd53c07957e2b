import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/adapters/audit-log.ts';
import { sandboxDriver } from '../../src/drivers/sandbox/driver.ts';
import type { AuditEntry } from '../../src/lifecycle/audit.ts';
import type { Driver } from '../../src/lifecycle/environment.ts';
import type { JournalLine } from '../../src/lifecycle/journal.ts';
import type { OutcomeRecord } from '../../src/lifecycle/outcome.ts';
import type { Plan } from '../../src/lifecycle/plan.ts';
import type { LockState } from '../../src/lifecycle/run-lock.ts';
import { openSandbox } from '../../src/sandbox/access.ts';
import { withClient } from '../integration/check-database.ts';
import { Examctl, partState, until } from '../support/examctl.ts';
import { runHere } from '../support/run-here.ts';
import { sandboxHelpers } from '../support/sandbox.ts';
import { send } from '../support/send.ts';

const config = `environments:
  sandbox: { platform: exam-platform, driver: { kind: sandbox } }
  prod: { platform: exam-platform, driver: { kind: sandbox }, protected: true }
  by-sql:
    { platform: exam-platform, driver: { kind: sandbox }, exam_mode: { mechanisms: [system-flag-sql] } }
  by-variable:
    platform: exam-platform
    driver: { kind: sandbox }
    exam_mode: { mechanisms: [{ variable: EXAM_MODE }] }
`;

let examctl: Examctl;
let driver: Driver;
const { signal } = new AbortController();

beforeAll(async () => {
  examctl = new Examctl();
  writeFileSync(join(examctl.cwd, 'examctl.yaml'), config);
  const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '60');
  expect(exitCode, stderr).toBe(0);
  driver = sandboxDriver({ stateFolder: examctl.state, helpers: sandboxHelpers(examctl.state) });
});
afterAll(() => examctl.remove(), 120_000);

/** on the environment `sandbox`; the last words may hold blanks */
const on = (environment: string, line: string, ...more: string[]) =>
  examctl.run('-e', environment, ...line.split(' ').filter(Boolean), ...more);
const run = (line: string, ...more: string[]) => on('sandbox', line, ...more);
const start = (line: string) => examctl.start(['-e', 'sandbox', ...line.split(' ')]);
/** what only looks, and starts no process */
const look = (line: string, environment = 'sandbox') =>
  runHere(examctl, '-e', environment, ...line.split(' ').filter(Boolean));
const json = async <T>(line: string, environment = 'sandbox') => {
  const { stdout, stderr } = await look(`${line} -o json`, environment);
  return JSON.parse(stdout || `"${stderr}"`) as T;
};

const auditEntries = async () => (await json<{ entries: AuditEntry[] }>('audit log --limit 500')).entries;
const runIds = async () => (await json<{ runs: { run: string }[] }>('runs list')).runs.map((one) => one.run);
const isSteady = async () => {
  expect((await driver.instances()).filter(({ state }) => state !== 'running')).toEqual([]);
};
const redisIsStopped = /cache-1: stopped/;

describe('a dry run', () => {
  it('changes nothing and prints the plan that the run then executes', { timeout: 120_000 }, async () => {
    const line = 'fault inject redis-outage --for 1s';
    const before = { runs: await runIds(), audit: await auditEntries(), instances: await driver.instances() };
    const plan = await json<Plan>(`${line} --dry-run`);
    expect(plan).toMatchObject({ operation: 'fault inject redis-outage', holdSeconds: 1 });
    expect(plan.changes.map(({ target, after }) => [target, after])).toEqual([['service cache', 'stopped']]);
    expect({
      runs: await runIds(),
      audit: await auditEntries(),
      instances: await driver.instances(),
    }).toEqual(before);

    const { exitCode, stdout, stderr } = await run(`${line} -o json`);
    expect(exitCode, stderr).toBe(0);
    const { folder, steadyAfter } = JSON.parse(stdout);
    const executed = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as Plan;
    expect(executed.digest).toBe(plan.digest);
    expect(executed.changes).toEqual(plan.changes);
    const outcomes = (steadyAfter as OutcomeRecord[]).map(({ outcome }) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['pass']));
    await isSteady();
  });

  it('of exam mode is for people, too', async () => {
    const { exitCode, stdout } = await run('exam-mode on --dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('flag EXAM_MODE');
    expect(stdout).toContain('Digest');
    expect(await look('exam-mode verify --expect off')).toMatchObject({ exitCode: 0 });
  });
});

describe('a fault on a protected environment', () => {
  const inject = 'fault inject redis-outage --for 1s';

  it.each([
    ['without a confirmation', [], '--confirm prod'],
    ['with another name', ['--confirm', 'sandbox', '--reason', 'drill'], '--confirm sandbox is not'],
    ['without a reason', ['--confirm', 'prod'], 'say why: --reason'],
    ['with break-glass alone', ['--break-glass'], 'break-glass goes on record'],
  ])('%s is refused, and says what would be needed', async (_, flags, text) => {
    const runs = await runIds();
    const { exitCode, stdout, stderr } = await on('prod', inject, ...flags);
    expect(exitCode, stderr).toBe(4);
    expect(stderr).toContain(text);
    expect(stdout).toBe('');
    expect(await runIds()).toEqual(runs);
    expect((await auditEntries()).at(-1)).toMatchObject({
      environment: 'prod',
      action: 'fault inject redis-outage',
      result: expect.stringMatching(/^refused: /),
    });
    await isSteady();
  });

  it('is refused although it is confirmed, with a reason, while nobody is in an exam', async () => {
    const { exitCode, stderr } = await on('prod', inject, '--confirm', 'prod', '--reason', 'drill');
    expect(exitCode, stderr).toBe(4);
    expect(stderr).toContain('prod is a protected environment');
    expect(stderr).toContain('--break-glass');
    expect((await auditEntries()).at(-1)).toMatchObject({ result: expect.stringMatching(/^refused: /) });
    await isSteady();
  });

  describe('while a student is in an exam', () => {
    let endExam: () => Promise<unknown>;

    beforeAll(async () => {
      const access = openSandbox(examctl.state);
      const [student] = await access.identities(1);
      const asStudent = { token: student?.token ?? '' };
      const body = { mode: 'EXAM', year: 1, blocks: ['A'], count: 5, duration_seconds: 3_600 };
      const created = await send('POST', `${access.apiUrl}/sessions`, { ...asStudent, body });
      expect(created.status, JSON.stringify(created.body)).toBe(200);
      const session = `${access.apiUrl}/sessions/${created.body.session_id}`;
      endExam = () => send('POST', `${session}/submit`, asStudent);
    });
    afterAll(() => endExam?.());

    it('is refused with the number of students and when the last of them ends', async () => {
      const { exitCode, stderr } = await on('prod', inject, '--confirm', 'prod', '--reason', 'drill');
      expect(exitCode).toBe(4);
      expect(stderr).toMatch(/1 student is in an exam until \d{4}-\d\d-\d\dT/);
      expect(stderr).toContain('--break-glass');
      expect(stderr).not.toMatch(redisIsStopped);
      await isSteady();
    });

    it('names them in the plan, and the plan may be seen by anybody', async () => {
      const plan = await json<Plan>(`${inject} --dry-run`, 'prod');
      expect(plan.impact).toMatchObject({ sessionsInProgress: 1, disruptive: true });
    });

    it('is made with break-glass and a reason, and that is on record', async () => {
      const emergency = ['--confirm', 'prod', '--break-glass', '--reason', 'redis is wedged'];
      const { exitCode, stderr } = await on('prod', inject, ...emergency);
      expect(exitCode, stderr).toBe(0);
      const { stdout } = await look('audit log');
      expect(stdout).toMatch(/fault inject redis-outage \(break-glass\).*done.*redis is wedged/);
      await isSteady();
    });

    it('is made on an environment that is not protected, as it is a student of the rehearsal', async () => {
      const plan = await json<Plan>(`${inject} --dry-run`);
      expect(plan.impact).toMatchObject({ sessionsInProgress: 1, othersInProgress: 0 });
      const { exitCode, stderr } = await run(inject);
      expect(exitCode, stderr).toBe(0);
    });
  });
});

describe('a system that is already ill', () => {
  it('gets no fault on top, and is told what is wrong', { timeout: 120_000 }, async () => {
    await driver.stop('cache', signal);
    try {
      const { exitCode, stderr } = await run('fault inject worker-kill');
      expect(exitCode).toBe(4);
      expect(stderr).toContain('not in its steady state');
      expect(stderr).toContain('cache-1 is stopped');
      const plan = await run('fault inject worker-kill --dry-run');
      expect(plan.exitCode).toBe(0);
      expect(plan.stdout).toContain('cache-1 is stopped');
    } finally {
      await driver.start('cache', signal);
    }
  });
});

describe('a run at work', () => {
  it('keeps a second one off, is shown, and is not unlocked by mistake', { timeout: 120_000 }, async () => {
    const first = start('fault inject redis-outage --for 100s');
    await first.says(redisIsStopped);
    const [id = ''] = await runIds();

    const second = await run('exam-mode on');
    expect(second.exitCode).toBe(4);
    expect(second.stderr).toMatch(/holds the run lock .* for fault inject redis-outage/);
    expect(second.stderr).toContain(id);

    const { lock } = await json<{ lock: LockState }>('runs lock');
    expect(lock).toMatchObject({
      holder: { run: id, pid: first.process.pid },
      where: 'database',
      expired: false,
    });
    expect((await look('runs list')).stdout).toMatch(
      new RegExp(`^${id.slice(-4)}\t.*\tat work; open: service cache$`, 'm'),
    );
    expect((await look('fault status')).stdout).toMatch(/service cache\t.*\talive: examctl fault halt$/m);
    const refused = await run('recover', id);
    expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('at work') });

    const unlock = await run('runs unlock');
    expect(unlock.exitCode).toBe(4);
    expect(unlock.stderr).toContain('living run');
    expect((await json<{ lock: LockState }>('runs lock')).lock.holder.run).toBe(id);

    const emergency = await run('runs unlock', '--break-glass', '--reason', 'it hangs');
    expect(emergency.exitCode, emergency.stderr).toBe(0);
    expect(emergency.stdout).toContain(id);
    expect((await auditEntries()).at(-1)).toMatchObject({
      action: 'runs unlock',
      run: id,
      reason: 'it hangs',
      breakGlass: true,
    });

    first.process.kill('SIGTERM');
    const { exitCode, stderr } = await first.ended;
    expect(exitCode, stderr).toBe(143);
    await isSteady();
    expect((await json<{ lock: null }>('runs lock')).lock).toBeNull();
  });

  it('that nobody holds the lock of any more can be unlocked again and again', async () => {
    expect(await run('runs unlock')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Nobody held'),
    });
  });

  it('ends in order when --timeout has passed, with Redis back', { timeout: 120_000 }, async () => {
    const { exitCode, stderr, seconds } = await run('fault inject redis-outage --for 100s --timeout 20s');
    expect(exitCode, stderr).toBe(3);
    expect(stderr).toMatch(redisIsStopped);
    expect(stderr).toContain('--timeout');
    expect(stderr).toContain('proven: cache-1: running');
    expect(seconds).toBeLessThan(100);
    expect(await partState(examctl, 'cache-1')).toBe('running');
    expect((await run('recover')).stdout).toContain('nothing to recover');
  });

  it('goes on to its end when nobody reads any more what it says', { timeout: 120_000 }, async () => {
    const { process: child, ended, says } = start('fault inject redis-outage --for 3s');
    await says(/stop service cache/);
    child.stderr?.destroy();
    child.stdout?.destroy();
    expect((await ended).exitCode).toBe(0);
    const [id = ''] = await runIds();
    expect((await run(`runs show ${id}`)).stdout).toContain('done, by run');
    await isSteady();
  });

  it('is shown afterwards by the last four characters of its id', async () => {
    const ids = await runIds();
    const id = ids[0] ?? '';
    const shown = await json<{ run: string; journal: JournalLine[] }>(`runs show ${id.slice(-4)}`);
    expect(shown.run).toBe(id);
    const types = shown.journal.map(({ type }) => type);
    expect(types.indexOf('guardian.ready')).toBeLessThan(types.indexOf('change.started'));
    expect(types.indexOf('change.started')).toBeLessThan(types.indexOf('change.applied'));
    expect(types.slice(-2)).toEqual(['run.finished', 'audit.entry']);
    expect(shown.journal.at(-2)).toMatchObject({ result: 'done', by: 'run' });
    const interrupted = await json<{ journal: JournalLine[] }>(`runs show ${ids[1]}`);
    expect(interrupted.journal.at(-2)).toMatchObject({ result: 'interrupted', by: 'run' });
  });
});

describe('exam mode', () => {
  const jobs = async () =>
    Object.fromEntries((await driver.jobs()).map(({ key, enabled }) => [key, enabled]));
  const verified = async (line: string, environment = 'sandbox') => {
    const { exitCode, stdout } = await look(`exam-mode verify ${line} -o json`, environment);
    return { exitCode, outcomes: (JSON.parse(stdout) as { outcomes: OutcomeRecord[] }).outcomes };
  };

  it('that is off is not verified', async () => {
    const { exitCode, outcomes } = await verified('');
    expect(exitCode).toBe(1);
    const failed = outcomes.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);
    expect(failed).toEqual(expect.arrayContaining(['exam-mode-flag', 'blocked-rank-run']));
  });

  it('goes on, is proven on every worker, and off restores exactly what was', {
    timeout: 120_000,
  }, async () => {
    await driver.setJobsEnabled(false, ['revision_queue_regen'], signal);
    const before = await jobs();
    const instances = await driver.instances();
    try {
      const switched = await run('exam-mode on', '--reason', 'final exam 14:00');
      expect(switched.exitCode, switched.stderr).toBe(0);
      expect(await jobs()).toEqual({ revision_queue_regen: false, warehouse_incremental_export: false });
      expect(await run('exam-mode on')).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('it is so already'),
      });

      const { exitCode, outcomes } = await verified('--wait');
      expect(outcomes.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown')).toEqual([]);
      expect(exitCode).toBe(0);
      const blocked = outcomes.find(({ id }) => id === 'blocked-rank-run');
      expect(blocked?.message).toMatch(/backend-1: HTTP 423.*backend-2: HTTP 423/);
      const status = await look('exam-mode status');
      expect(status).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Exam mode is on') });
      expect(status.stdout).toContain('final exam 14:00');
    } finally {
      const back = await run('exam-mode off');
      expect(back.exitCode, back.stderr).toBe(0);
    }
    expect(await jobs()).toEqual(before);
    expect((await verified('--expect off --wait')).exitCode).toBe(0);
    expect((await driver.instances()).map(({ pid }) => pid)).toEqual(instances.map(({ pid }) => pid));
    await driver.setJobsEnabled(true, ['revision_queue_regen'], signal);
  });

  it('that is only a variable is not believed', { timeout: 120_000 }, async () => {
    const switched = await on('by-variable', 'exam-mode on');
    expect(switched.exitCode, switched.stderr).toBe(0);
    try {
      expect(await driver.variable('backend', 'EXAM_MODE')).toBe('true');
      const drift = 'the variable EXAM_MODE is true, exam mode is off';
      const { exitCode, outcomes } = await verified('', 'by-variable');
      expect(exitCode).toBe(1);
      expect(outcomes.find(({ id }) => id === 'blocked-rank-run')).toMatchObject({ outcome: 'fail' });
      expect(outcomes.map(({ message }) => message).join()).toContain(drift);
      const status = await on('by-variable', 'exam-mode status');
      expect(status).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(drift) });
    } finally {
      await on('by-variable', 'exam-mode off');
    }
    expect(await driver.variable('backend', 'EXAM_MODE')).toBeUndefined();
    await isSteady();
  });

  it('by SQL leaves the record that the API would have left', { timeout: 120_000 }, async () => {
    const switched = await on('by-sql', 'exam-mode on', '--reason', 'the API is down');
    expect(switched.exitCode, switched.stderr).toBe(0);
    try {
      const { databaseUrl } = openSandbox(examctl.state);
      const { rows } = await withClient(databaseUrl, (client) =>
        client.query(
          `SELECT reason, before->'value' AS before, after->'value' AS after FROM switch_audit_log
            WHERE action_type = 'FLAG_SET' AND after->>'key' = 'EXAM_MODE' ORDER BY created_at DESC LIMIT 1`,
        ),
      );
      expect(rows).toEqual([{ reason: 'the API is down', before: false, after: true }]);
      expect((await verified('--wait', 'by-sql')).exitCode).toBe(0);
    } finally {
      await on('by-sql', 'exam-mode off');
    }
  });

  it('that answers 403, as the planning documents have it, is verified too', {
    timeout: 120_000,
  }, async () => {
    const other = new Examctl();
    try {
      const up = await other.run('sandbox', 'up', '--students', '20', '--exam-mode-status', '403');
      expect(up.exitCode, up.stderr).toBe(0);
      expect((await other.run('exam-mode', 'verify')).exitCode).toBe(1);
      expect((await other.run('exam-mode', 'on')).exitCode).toBe(0);
      const { exitCode, stdout } = await other.run('exam-mode', 'verify', '--wait');
      expect(exitCode, stdout).toBe(0);
      expect(stdout).toMatch(/blocked-rank-run\t.*backend-1: HTTP 403.*backend-2: HTTP 403/);
      expect(stdout).not.toContain('HTTP 423');
    } finally {
      await other.remove();
    }
  });
});

describe('looking', () => {
  it('status tells how all parts of the environment stand, on one screen', async () => {
    const status = await json<{ outcomes: OutcomeRecord[]; services: unknown[] }>('status');
    expect(status.outcomes.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'exam-mode pass',
      'students pass',
      'services-running pass',
      'open-runs pass',
      'run-lock pass',
      'last-verdict skipped',
    ]);
    expect(status.services).toHaveLength(6);
  });

  it('integrity check gives JUnit that is well-formed XML, with a case for each check', async () => {
    const { exitCode, stdout, stderr } = await look('integrity check -o junit');
    expect(exitCode, stderr).toBe(0);
    expect(unclosedElements(stdout)).toEqual([]);
    const { checks } = await json<{ checks: { id: string }[] }>('integrity list');
    expect(checks.length).toBeGreaterThan(5);
    for (const { id } of checks.filter(({ id }) => !id.startsWith('classic-'))) expect(stdout).toContain(id);
    expect(stdout).not.toMatch(/<(failure|error)/);
  });

  it('metrics capture writes what it read, and a summary for people', async () => {
    const { exitCode, stdout, stderr } = await run('metrics capture captured');
    expect(exitCode, stdout + stderr).toBe(0);
    const folder = join(examctl.cwd, 'captured');
    const { collectors } = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'));
    expect(collectors.map(({ result }: { result: string }) => result)).toEqual(Array(5).fill('ok'));
    const summary = readFileSync(join(folder, 'summary.md'), 'utf8');
    for (const { title } of collectors) expect(summary).toContain(title);
    expect(existsSync(join(folder, 'evidence'))).toBe(true);
  });

  it('load run keeps a ledger and compares it with the database', { timeout: 120_000 }, async () => {
    const line = 'load run session-burst --students 5 --duration 3s --engine builtin -o json';
    const { exitCode, stdout, stderr } = await run(line);
    expect(exitCode, stdout + stderr).toBe(0);
    const data = JSON.parse(stdout);
    expect(data).toMatchObject({
      scenario: 'session-burst',
      virtualStudents: 5,
      engine: { name: 'builtin' },
    });
    expect(data.requests).toBeGreaterThan(0);
    expect(existsSync(data.ledgerFile)).toBe(true);
    expect(stdout).not.toMatch(/eyJ/);
    expect(data.reconciliation).toMatchObject({ outcome: 'pass', submits: 5 });
    expect((await auditEntries()).at(-1)).toMatchObject({ action: 'load run session-burst', result: 'done' });
    const again = JSON.parse((await run('load reconcile -o json')).stdout);
    expect(again).toMatchObject({ outcome: 'pass', ledgers: [data.ledgerFile] });
  });
});

/** Names of elements that are closed wrongly or not at all, and of text that is no XML. */
function unclosedElements(xml: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [text, name = '', attributes = ''] of xml.matchAll(/<([^\s>/]+|\/[^\s>]+)([^>]*)>/g)) {
    if (name.startsWith('?')) continue;
    if (name.startsWith('/')) {
      if (open.pop() !== name.slice(1)) wrong.push(text);
    } else {
      if (!/^(\s+[\w:-]+="[^"<]*")*\s*\/?$/.test(attributes)) wrong.push(text);
      if (!attributes.endsWith('/')) open.push(name);
    }
  }
  if (/&(?!(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(xml)) wrong.push('&');
  return [...wrong, ...open];
}

describe('the audit log', () => {
  const file = () => join(examctl.state, 'audit.ndjson');

  it('is exported as it was written, and is whole', async () => {
    const { stdout } = await look('audit export');
    expect(stdout).toBe(readFileSync(file(), 'utf8'));
    expect(await look('audit verify')).toMatchObject({ exitCode: 0 });
    const entries = await auditEntries();
    expect(new Set(entries.map(({ result }) => result.split(':')[0]))).toEqual(
      new Set(['started', 'done', 'refused', 'Refused', 'Undetermined', 'Interrupted', 'released']),
    );
  });

  it.each([
    ['changes an entry', (text: string) => text.replace('redis is wedged', 'redis is hedged'), 'was changed'],
    ['removes an entry', (text: string) => text.replace(/\n.*\n/, '\n'), 'is missing'],
    ['cuts the end off', (text: string) => text.replace(/.*\n$/, ''), 'was cut'],
    ['adds an entry', (text: string) => `${text}${text.trimEnd().split('\n').at(-1)}\n`, 'entry'],
  ])('tells when somebody %s', async (_, tamper, message) => {
    const before = readFileSync(file(), 'utf8');
    const after = tamper(before);
    expect(after).not.toBe(before);
    writeFileSync(file(), after);
    try {
      const { exitCode, stdout } = await look('audit verify');
      expect(exitCode).toBe(1);
      expect(stdout).toContain(message);
    } finally {
      writeFileSync(file(), before);
    }
    expect(await look('audit verify')).toMatchObject({ exitCode: 0 });
  });

  it('tells when its owner writes it anew, with a chain and a head that hold: the database has noted the old one', async () => {
    const kept = ['audit.ndjson', 'audit.head'].map((name) => join(examctl.state, name));
    const before = kept.map((one) => readFileSync(one));
    const anew = new AuditLog(examctl.state);
    const entries = anew.read();
    for (const one of kept) rmSync(one);
    for (const { sequence: _, previousHash: __, hash: ___, ...content } of entries)
      await anew.append({ ...content, reason: null });
    try {
      const { exitCode, stdout } = await look('audit verify');
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/^pass\taudit-chain\t/m);
      expect(stdout).toMatch(/^fail\taudit-anchors\t/m);
    } finally {
      kept.forEach((one, index) => void writeFileSync(one, before[index] ?? ''));
    }
    expect((await look('audit verify')).stdout).toMatch(/^pass\taudit-anchors\t/m);
  });
});

describe('the sandbox afterwards', () => {
  it('is whole: nothing is open, nobody holds the lock', async () => {
    await until(async () => (await driver.instances()).every(({ state }) => state === 'running'), 60);
    expect((await run('recover')).stdout).toContain('nothing to recover');
    expect((await look('fault status')).stdout).toContain('Nothing is changed');
  });
});
