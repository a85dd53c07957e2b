import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Examctl } from '../support/examctl.ts';
import { mountSmallDisk } from '../support/special-files.ts';
import { type CheckDatabase, startCheckDatabase, withClient } from './check-database.ts';

const many = 300_000;

/** A check with so many findings, and one with the overdue sessions of the test. */
const manyFindings = `-- id: many-findings
-- title: there are few
-- question: which are there?
-- severity: minor
-- finding: one too many
-- remedy: none
-- columns: number (which one), user_id (personal: a student), written_at (when)
-- cost: scan
-- window: none
SELECT n AS number, md5(n::text) AS user_id, now() AS written_at FROM generate_series(1, ${many}) n
`;

describe('--all', () => {
  let database: CheckDatabase;
  let url: string;
  const examctl = new Examctl();
  const env = () => ({ CHECK_DATABASE: url });

  beforeAll(async () => {
    database = await startCheckDatabase();
    url = await database.copy(async ({ session }) => {
      for (let index = 0; index < 25; index += 1) await session({ endedMinutesAgo: 5 });
    });
    mkdirSync(join(examctl.cwd, 'checks'));
    writeFileSync(join(examctl.cwd, 'checks/many-findings.sql'), manyFindings);
    writeFileSync(
      join(examctl.cwd, 'examctl.yaml'),
      `environments:
  test:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "http://127.0.0.1:1" }
    database: { url: "\${env:CHECK_DATABASE}" }
checks: { folder: checks }
`,
    );
  });
  afterAll(async () => {
    await examctl.remove();
    await database.stop();
  });

  const check = (...args: string[]) => examctl.start(['integrity', 'check', ...args], env());
  const linesOf = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it('writes each finding of each check to stdout, then the outcomes, and no student', async () => {
    const { stdout, exitCode } = await check('--check', 'overdue-sessions', '--all', '-o', 'ndjson').ended;

    const lines = linesOf(stdout);
    const findings = lines.filter(({ type }) => type === 'finding');
    expect(exitCode).toBe(0);
    expect(findings).toHaveLength(25);
    expect(new Set(findings.map(({ finding }) => finding.session_id)).size).toBe(25);
    expect(findings[0]).toMatchObject({
      check: 'overdue-sessions',
      schema: expect.stringContaining('examctl/'),
    });
    expect(findings[0].finding.user_id).toMatch(/^student-[0-9a-f]{8}$/);
    expect(findings[0].finding.started_at).toMatch(/Z$/);
    expect(lines.slice(25).map(({ type }) => type)).toEqual(['outcome', 'run']);
    expect(lines.at(-1).notes).toContain('25 findings were written');
  });

  it('needs a file where the output is not one line each', async () => {
    const { exitCode, stderr } = await check('--all').ended;

    expect(exitCode).toBe(2);
    expect(stderr).toContain('add -o ndjson, or name a file');
  });

  it.each([
    ['no/such/folder.ndjson', 'cannot be written'],
    ['checks', 'is a folder'],
    ['checks/', 'names a folder'],
    ['', 'names no file'],
  ])('says of "%s" before anything is asked that it cannot be written', async (file, reason) => {
    const before = readdirSync(examctl.cwd);
    const { exitCode, stderr, stdout } = await examctl.start(['integrity', 'check', '--all', file], {
      CHECK_DATABASE: 'postgres://nobody@127.0.0.1:1/nowhere',
    }).ended;

    expect(exitCode, stderr).toBe(2);
    expect(stderr).toContain(reason);
    expect(stdout).toBe('');
    expect(readdirSync(examctl.cwd)).toEqual(before);
  });

  it('counts one finding as one', async () => {
    const one = await database.copy(({ session }) => session({ endedMinutesAgo: 5 }));
    const { stdout } = await examctl.start(
      ['integrity', 'check', '--check', 'overdue-sessions', '--all', 'one.ndjson'],
      { CHECK_DATABASE: one },
    ).ended;

    expect(stdout).toContain('1 finding was written to one.ndjson');
    expect(linesOf(readFileSync(join(examctl.cwd, 'one.ndjson'), 'utf8'))).toHaveLength(1);
  });

  it('gives a FIFO to its reader, and leaves it a FIFO', async () => {
    const fifo = join(examctl.cwd, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const run = check('--check', 'overdue-sessions', '--all', 'fifo');
    await run.says('waiting until somebody reads fifo');
    const reader = spawn('cat', [fifo]);
    const [read, { stdout, exitCode }] = await Promise.all([text(reader.stdout), run.ended]);

    expect(exitCode).toBe(0);
    expect(stdout).toContain('25 findings were written to fifo');
    expect(linesOf(read)).toHaveLength(25);
    expect(lstatSync(fifo).isFIFO()).toBe(true);
  });

  it('takes /dev/stdout for stdout', async () => {
    const { stdout, exitCode } = await check('--check', 'overdue-sessions', '--all', '/dev/stdout').ended;

    expect(exitCode).toBe(0);
    expect(stdout.match(/^\{"type":"finding".*\}$|^\{.*"type":"finding".*\}$/gm)).toHaveLength(25);
    expect(stdout).toContain('25 findings were written to /dev/stdout');
  });

  it('tells a full disk as one, keeps the answers, and leaves nothing of the file', async ({ skip }) => {
    const folder = join(examctl.cwd, 'full');
    mkdirSync(folder);
    const disk = mountSmallDisk(folder);
    skip(typeof disk === 'string', String(disk));
    if (typeof disk === 'string') return;
    try {
      const { stdout, exitCode } = await check('--check', 'many-findings', '--all', 'full/many').ended;

      expect(exitCode).toBe(3);
      expect(stdout).toContain(
        'the findings could not be written to full/many: ENOSPC: no space left on device',
      );
      expect(stdout).toContain('300,000 findings');
      expect(stdout).not.toContain('were written to');
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      disk.unmount();
    }
  });

  it('does not say that they were written when the file could not be put in its place', async () => {
    const run = check('--check', 'many-findings', '--all', 'taken');
    await run.says('checking the data');
    mkdirSync(join(examctl.cwd, 'taken'));
    const { stdout, exitCode } = await run.ended;

    expect(exitCode).toBe(3);
    expect(stdout).toContain('the findings could not be written to taken: EISDIR');
    expect(stdout).not.toContain('were written to');
    expect(readdirSync(examctl.cwd).filter((name) => name.startsWith('taken'))).toEqual(['taken']);
  });

  it(`writes ${many} findings to a file with less than 150 MB of memory`, async () => {
    const { process: child, ended } = check('--check', 'many-findings', '--all', 'many.ndjson');
    let peak = 0;
    const watch = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      } catch {
        // it has ended
      }
    }, 20);

    const { exitCode, stdout } = await ended;

    clearInterval(watch);
    const text = readFileSync(join(examctl.cwd, 'many.ndjson'), 'utf8');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('300,000 findings were written to many.ndjson');
    expect(text.split('\n')).toHaveLength(many + 1);
    expect(JSON.parse(text.slice(text.lastIndexOf('\n', text.length - 2)))).toMatchObject({
      check: 'many-findings',
      finding: { number: expect.any(Number) },
    });
    if (process.platform === 'linux') expect(peak).toBeGreaterThan(20);
    expect(peak).toBeLessThan(150);
  });

  it('ends in order when nobody reads any more', async () => {
    const { process: child, ended } = check('--check', 'many-findings', '--all', '-o', 'ndjson');
    child.stdout?.once('data', () => child.stdout?.destroy());

    const { exitCode, stderr } = await ended;

    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toMatch(/error|EPIPE/);
  });

  it('leaves neither a part of the file nor a statement behind after Ctrl-C', async () => {
    const { process: child, ended } = check('--check', 'many-findings', '--all', 'cut.ndjson');
    const sizes = () =>
      readdirSync(examctl.cwd)
        .filter((name) => name.startsWith('cut.ndjson.'))
        .map((name) => statSync(join(examctl.cwd, name)).size);
    while (!sizes().some((size) => size > 0)) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGINT');

    expect((await ended).exitCode).toBe(130);
    expect(readdirSync(examctl.cwd).filter((name) => name.startsWith('cut'))).toEqual([]);
    const { rows } = await withClient(url, (client) =>
      client.query(`SELECT query FROM pg_stat_activity WHERE application_name = 'examctl-integrity'`),
    );
    expect(rows).toEqual([]);
  });
});
