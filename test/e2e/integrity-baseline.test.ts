import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/lifecycle/audit.ts';
import { openSandbox } from '../../src/sandbox/access.ts';
import { withClient } from '../integration/check-database.ts';
import { Examctl } from '../support/examctl.ts';

const check = 'overdue-sessions';
const config = (limits = '{ fail: 1 }', id = check) => `environments:
  sandbox: { platform: exam-platform, driver: { kind: sandbox } }
  other: { platform: exam-platform, driver: { kind: sandbox } }
checks:
  thresholds:
    ${id}: ${limits}
`;
const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);

let examctl: Examctl;
let file: string;
let configFile: string;
beforeAll(async () => {
  examctl = new Examctl();
  configFile = join(examctl.cwd, 'examctl.yaml');
  file = join(examctl.cwd, 'integrity-baseline.json');
  writeFileSync(configFile, config());
  const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '30');
  expect(exitCode, stderr).toBe(0);
  await addOverdueSessions(3);
});
afterAll(() => examctl.remove(), 120_000);

const addOverdueSessions = (count: number) =>
  withClient(openSandbox(examctl.state).databaseUrl, (client) =>
    client.query(
      `INSERT INTO test_sessions (id, user_id, mode, status, year, blocks_json, total_questions, started_at, expires_at)
       SELECT gen_random_uuid(), id, 'EXAM', 'ACTIVE', 1, '["A"]', 0, now() - interval '2 hours', now() - interval '1 hour'
       FROM users WHERE role = 'STUDENT' ORDER BY email LIMIT $1`,
      [count],
    ),
  );
const run = (line: string, ...more: string[]) => examctl.run('-e', 'sandbox', ...line.split(' '), ...more);
const checked = () => run(`integrity check --check ${check}`);
const accept = (...more: string[]) =>
  run(`integrity baseline accept --check ${check} --until ${inAMonth} --owner exam-office`, ...more);

describe('a baseline beside examctl.yaml', () => {
  it('is not made without a reason, a check or a day that is to come', async () => {
    for (const refused of [
      await accept(),
      await run(`integrity baseline accept --until ${inAMonth} --owner x --reason y`),
      await run(`integrity baseline accept --check ${check} --until 2020-01-01 --owner x --reason y`),
    ]) {
      expect(refused.exitCode, refused.stderr).toBe(2);
      expect(refused.stdout).toBe('');
    }
    expect(existsSync(file)).toBe(false);
  });

  it('makes known findings pass, in its environment, and new ones fail', { timeout: 120_000 }, async () => {
    expect(await checked()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('3 findings') });

    expect(await accept('--reason', 'ticket 4711')).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schema: 'examctl/integrity-baseline/v1',
      acceptances: [{ check, environment: 'sandbox', owner: 'exam-office', reason: 'ticket 4711' }],
    });
    expect(await checked()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('3 are accepted') });
    expect(await run(`integrity check --check ${check} --no-baseline`)).toMatchObject({ exitCode: 1 });
    expect(await examctl.run('-e', 'other', 'integrity', 'check', '--check', check)).toMatchObject({
      exitCode: 1,
    });

    await addOverdueSessions(2);
    const { exitCode, stdout } = await checked();
    expect(exitCode).toBe(1);
    expect(stdout).toContain('2 findings in ');
    expect(stdout).toContain('3 more are accepted');
  });

  it('is in the audit log', async () => {
    const { entries } = await examctl.json<{ entries: AuditEntry[] }>('audit', 'log');

    expect(entries.filter(({ action }) => action === 'integrity baseline accept')).toMatchObject([
      { environment: 'sandbox', result: 'started', reason: 'ticket 4711' },
      { environment: 'sandbox', result: 'done' },
    ]);
  });

  it('is compared and listed with earlier runs', async () => {
    const { runs } = await examctl.json<{ runs: { findings: number; accepted: number }[] }>(
      '-e',
      'sandbox',
      'integrity',
      'history',
    );
    expect(runs[0]).toMatchObject({ findings: 5, accepted: 3, outcome: 'fail' });

    const worse = await run('integrity compare', ...['previous', 'latest', '-o', 'json']);
    expect(worse.exitCode).toBe(1);
    expect(JSON.parse(worse.stdout)).toMatchObject({
      schema: 'examctl/integrity.compare/v1',
      checks: [{ id: check, change: 'worse', new: 2, gone: 0, comparedBy: 'findings' }],
    });
    expect(await run('integrity compare latest latest')).toMatchObject({ exitCode: 0 });
    expect(await run('integrity compare latest nothing')).toMatchObject({ exitCode: 2 });
  });

  it('loses what is gone from the data, and then what is removed', async () => {
    await withClient(openSandbox(examctl.state).databaseUrl, (client) =>
      client.query(`UPDATE test_sessions SET expires_at = now() + interval '1 hour' WHERE status = 'ACTIVE'`),
    );
    expect((await checked()).stdout).toContain(`${check}: 3 of 3 accepted findings are gone`);

    const { exitCode, stdout } = await run('integrity baseline prune');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/overdue-sessions\t3\t/);
    expect(await run('integrity baseline list')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Nothing is accepted'),
    });
    expect(await run(`integrity baseline remove --check ${check}`)).toMatchObject({ exitCode: 2 });
  });

  it('that is damaged is named, with what to do', async () => {
    writeFileSync(file, '{ "schema": "examctl/integrity-baseline/v1", "acceptances": [{}] }');
    const { exitCode, stderr } = await checked();

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file} acceptances[0].owner: must be text`);
    expect(stderr).toContain('version control');
    writeFileSync(file, '{ "schema": "examctl/integrity-baseline/v1", "acceptances": [] }');
  });
});

describe('limits in examctl.yaml', () => {
  it('decide what a finding is', { timeout: 120_000 }, async () => {
    await addOverdueSessions(2);
    const exitCodeWith = async (limits: string) => {
      writeFileSync(configFile, config(limits));
      return (await checked()).exitCode;
    };

    expect(await exitCodeWith('{ fail: 2 }')).toBe(1);
    expect(await exitCodeWith('{ warn: 2, fail: 3 }')).toBe(0);
    expect(await exitCodeWith('{ fail: 1% }')).toBe(1);
    expect(await exitCodeWith('{ fail: 1,5 }')).toBe(2);
  });

  it('of a check that there is not are a problem with its line and the nearest check', async () => {
    writeFileSync(configFile, config('{ fail: 1 }', 'overdue-session'));
    const { exitCode, stderr } = await run('integrity list');

    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'examctl.yaml:6:5 checks.thresholds.overdue-session: there is no such check (did you mean "overdue-sessions"?',
    );
    writeFileSync(configFile, config());
  });
});

describe('-o github', () => {
  it('annotates what failed', async () => {
    const { exitCode, stdout } = await run(`integrity check --check ${check} -o github`);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^::error title=overdue-sessions%3A fail::no session runs past its end: 2 findings/,
    );
    expect(stdout).toMatch(/\n1 fail\n$/);
  });
});
