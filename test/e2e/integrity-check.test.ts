import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/adapters/package-root.ts';
import type { CheckRun } from '../../src/checks/check-run.ts';
import { Examctl } from '../support/examctl.ts';

describe('integrity check', () => {
  const examctl = new Examctl();
  beforeAll(async () => {
    const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '5');
    expect(exitCode, stderr).toBe(0);
    await examctl.run('sandbox', 'plant', 'near-misses');
  }, 120_000);
  afterAll(() => examctl.remove(), 120_000);

  const check = (...args: string[]) => examctl.json<CheckRun>('integrity', 'check', ...args);
  const run = (...args: string[]) => examctl.run('integrity', 'check', ...args);
  const unknowns = ({ outcomes }: CheckRun) => outcomes.filter(({ outcome }) => outcome === 'unknown');

  it('--dry-run shows what would be asked, and asks nothing', async () => {
    const plan = await examctl.json<{
      statements: { checks: string[]; cost: number }[];
      connections: number;
      sessionsInProgress: number;
    }>('integrity', 'check', '--suite', 'core', '--dry-run');
    const { stdout, exitCode } = await run('--dry-run');

    const checks = plan.statements.flatMap((statement) => statement.checks);
    expect(checks).toContain('unscored-sessions');
    expect(checks).not.toContain('announced-scores');
    expect(plan.statements.every(({ cost }) => cost > 0)).toBe(true);
    expect(plan).toMatchObject({ connections: 1, sessionsInProgress: expect.any(Number) });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Only EXPLAIN was run');
    expect((await examctl.run('integrity', 'history')).stdout).not.toContain('core');
  });

  it('--exam and --sessions look at these sessions only', async () => {
    const all = await check('--samples', '0');
    const hour = 3_600_000;
    const from = new Date(Date.now() - 2 * hour).toISOString();

    const exam = await check('--exam', `${from}/4h`);
    const other = await check('--exam', `${new Date(Date.now() - 9 * hour).toISOString()}/1h`);
    const nobody = await check(
      '--sessions',
      '0b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a',
      '--check',
      'lost-answers',
    );

    expect(all.summary?.sessions).toBeGreaterThan(Number(exam.summary?.sessions));
    expect(exam.summary?.sessions).toBe(exam.summary?.exam_sessions);
    expect(exam.summary?.sessions).toBeGreaterThan(0);
    expect(unknowns(other).length).toBeGreaterThan(0);
    expect(nobody.notes).toContain('the given session does not exist');
  });

  it('--sessions reads a file, or stdin', async () => {
    const { outcomes } = await check('--check', 'count-sessions');
    expect(outcomes).toHaveLength(1);
    const id = '0b6e1f9c-3a52-4c5b-9a1e-5d2f8e7c6b4a';
    writeFileSync(join(examctl.cwd, 'ids.txt'), `${id}\n1${id.slice(1)}\n`);

    const fromFile = await check('--sessions', '@ids.txt', '--check', 'lost-answers');
    const missing = await run('--sessions', '@none.txt');
    const child = spawn(
      process.execPath,
      [join(packageRoot(), 'bin/examctl.js'), 'integrity', 'check', '--sessions', '-', '-o', 'json'],
      { cwd: examctl.cwd, env: { ...process.env, EXAMCTL_STATE: examctl.state } },
    );
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stdin.end(`${id}\n`);
    await new Promise((resolve) => child.on('close', resolve));

    expect(fromFile.scope).toBe('sessions among the 2 given ones');
    expect(fromFile.notes).toContain('none of the 2 given sessions exists');
    expect(missing).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('none.txt cannot be read'),
    });
    expect(JSON.parse(stdout)).toMatchObject({ scope: `sessions with the id ${id}` });
  });

  it('--exclude-rehearsal leaves nothing of a sandbox, where all students are made for it', async () => {
    const result = await check('--exclude-rehearsal', '--check', 'lost-answers');

    expect(result).toMatchObject({ scope: 'sessions outside of rehearsals', summary: { sessions: 0 } });
    expect(unknowns(result)).toMatchObject([
      {
        message: 'there are no sessions outside of rehearsals',
        hint: 'without --exclude-rehearsal there may be some',
      },
    ]);
  });

  it.each([
    ['list'],
    ['history'],
    ['baseline', 'list'],
    ['baseline', 'remove', '--check', 'overdue-sessions'],
    ['baseline', 'prune'],
    ['check', '--dry-run'],
  ])('%s %s has nothing for -o junit and -o github', async (...args) => {
    for (const format of ['junit', 'github']) {
      const { exitCode, stdout, stderr } = await examctl.run(
        'integrity',
        ...args.filter((arg) => arg !== undefined),
        '-o',
        format,
      );
      expect(exitCode, stderr).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain(`-o ${format} is for what passes or fails`);
      expect(stderr).toContain('use -o table, json, ndjson, yaml or markdown');
    }
  });

  it('explain -o ndjson prints the explanation', async () => {
    const { stdout } = await examctl.run('integrity', 'explain', 'lost-answers', '-o', 'ndjson');

    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'examctl/integrity.explain/v1',
      check: { id: 'lost-answers' },
      plan: { outcome: 'pass' },
    });
  });

  it('--budget ends in time, and what was not looked at is unknown', async () => {
    const { exitCode, stdout } = await run('--budget', '1ms', '-o', 'json');

    const result = JSON.parse(stdout) as CheckRun;
    expect(exitCode).toBe(3);
    expect(unknowns(result)[0]).toMatchObject({
      message: expect.stringContaining('the budget of 0.001 s was used up'),
      hint: 'give it a larger --budget, or choose checks with --check',
    });
  });

  it('--incremental looks at changes after a full run, and keeps that where the next one finds it', async () => {
    const first = await run('--incremental', '-o', 'json');
    const second = await run('--incremental', '-o', 'json');
    const third = await run('--incremental', '--full-every', '0s');

    expect(first.exitCode, first.stdout).toBe(0);
    expect(JSON.parse(first.stdout).incremental).toMatchObject({ kind: 'sweep', stayed: null });
    expect(JSON.parse(second.stdout).incremental).toMatchObject({ kind: 'changes', stayed: null });
    expect(second.exitCode, second.stdout).toBe(0);
    expect(third.stdout).toContain('Note: a full run: the last full run was at');
    expect(third.stdout).toContain('the incremental runs can see what a full run sees');
    const kept = readFileSync(join(examctl.state, 'watermarks/sandbox.json'), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ version: 1, marks: [{ at: expect.any(String) }] });
  });

  it.each([
    ['--connections', '5', 'from 1 to 4'],
    ['--connections', '0', 'from 1 to 4'],
    ['--samples', '1001', 'from 0 to 1000'],
    ['--exam', '2026-05-04T09:00/2h', 'Give the zone too'],
    ['--suite', 'cor', 'there is no suite "cor"'],
    ['--budget', '20', 'duration without its unit'],
    ['--sessions', 'one', 'is not the id of a session'],
  ])('%s %s is refused with the reason', async (flag, value, reason) => {
    const { exitCode, stderr, stdout } = await run(flag, value);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(reason);
    expect(stdout).toBe('');
  });

  it.each([
    ['--incremental', '--since', '3h'],
    ['--suite', 'core', '--check', 'lost-answers'],
  ])('%s %s %s %s contradict each other', async (...args) => {
    expect(await run(...args.filter((arg) => arg !== undefined))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('cannot be used with'),
    });
  });
});
