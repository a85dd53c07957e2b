import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Examctl, partState, until } from '../support/examctl.ts';
import { isFull, onlyInFull } from '../support/sample.ts';

let examctl: Examctl;

beforeEach(() => {
  examctl = new Examctl();
});
afterEach(() => examctl.remove(), 120_000);

/** the fault's own words on stderr: from then on Redis is stopped */
const redisIsStopped = /cache-1: stopped/;
const shortly = ['rehearse', '--phases', '2,3'];

describe('a rehearsal that is interrupted', () => {
  it('reverts and takes its sandbox down at Ctrl-C', { timeout: 120_000 }, async () => {
    const rehearsal = examctl.start(shortly);
    await rehearsal.says(redisIsStopped);
    rehearsal.process.kill('SIGINT');
    const { exitCode, stderr } = await rehearsal.ended;
    expect(exitCode, stderr).toBe(130);
    expect(await partState(examctl, 'cache-1')).toBe('absent');
    expect((await examctl.run('recover')).stdout).toContain('nothing to recover');
    const runs = join(examctl.state, 'runs');
    const [run = ''] = readdirSync(runs);
    expect(readFileSync(join(runs, run, 'report.md'), 'utf8')).toMatch(
      /INCONCLUSIVE[\s\S]*ended early: interrupted by SIGINT/,
    );
  });

  it('leaves nothing half-made when Ctrl-C comes while the sandbox comes up', {
    timeout: 120_000,
  }, async () => {
    const rehearsal = examctl.start(shortly);
    await rehearsal.says('bring the environment up');
    rehearsal.process.kill('SIGINT');
    const { exitCode, stderr } = await rehearsal.ended;
    expect(exitCode, stderr).toBe(130);
    expect(await partState(examctl, 'cache-1')).toBe('absent');
  });

  it('leaves at once at a second Ctrl-C, says what is left, and recovers by one command', async ({
    skip,
  }) => {
    // of a fault alone it is tried in each run of the tests
    if (!isFull) skip(onlyInFull);
    const rehearsal = examctl.start(shortly);
    await rehearsal.says(redisIsStopped);
    rehearsal.process.kill('SIGINT');
    await rehearsal.says('ending in order');
    rehearsal.process.kill('SIGINT');
    const { exitCode, stderr } = await rehearsal.ended;
    // not 130: that would say that everything was reverted
    expect(exitCode).toBe(6);
    expect(stderr).toContain('examctl recover');
    expect((await examctl.run('recover')).exitCode).toBe(0);
    expect(await partState(examctl, 'cache-1')).toBe('absent');
  });

  it('has Redis back after SIGKILL, without anyone doing anything', {
    timeout: 120_000,
  }, async () => {
    const rehearsal = examctl.start(shortly);
    await rehearsal.says(redisIsStopped);
    rehearsal.process.kill('SIGKILL');
    await rehearsal.ended;
    await until(async () => (await partState(examctl, 'cache-1')) === 'running', 60);
    const next = await examctl.run('explain', '0');
    expect(next.stderr).toMatch(/run \S+-rehearse-\S+ .*examctl recover/);
    expect((await examctl.run('rehearse')).exitCode).toBe(4);
    expect((await examctl.run('recover')).exitCode).toBe(0);
    expect(await partState(examctl, 'cache-1')).toBe('absent');
  });
});

describe('a rehearsal of some phases', () => {
  it('is INCONCLUSIVE, as gates were not looked at', { timeout: 120_000 }, async () => {
    const { exitCode, stdout } = await examctl.run('rehearse', '--phases', 'canary', '-o', 'json');
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'INCONCLUSIVE' });
  });

  it('refuses phases that make no sense', async () => {
    expect(await examctl.run('rehearse', '--phases', '3')).toMatchObject({ exitCode: 2 });
    const { exitCode, stderr } = await examctl.run('rehearse', '--phases', '9');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('4 integrity');
  });
});
