import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckRun } from '../../src/checks/check-run.ts';
import { plants } from '../../src/sandbox/plants/index.ts';
import { Examctl } from '../support/examctl.ts';
import { runHere } from '../support/run-here.ts';

describe('sandbox plant', () => {
  const examctl = new Examctl();
  beforeAll(async () => {
    const { exitCode, stderr } = await examctl.run('sandbox', 'up', '--students', '5');
    expect(exitCode, stderr).toBe(0);
  }, 120_000);
  afterAll(() => examctl.remove(), 120_000);
  const here = (...args: string[]) => runHere(examctl, ...args);
  const json = async <T = Record<string, unknown>>(...args: string[]) => {
    const { stdout, stderr } = await here(...args, '-o', 'json');
    return JSON.parse(stdout || `"${stderr}"`) as T;
  };

  const check = async () => {
    const { exitCode, stdout, stderr } = await here('integrity', 'check', '-o', 'json');
    const run = JSON.parse(stdout || `"${stderr}"`) as CheckRun;
    return {
      exitCode,
      run,
      speaking: run.outcomes.filter(({ outcome }) => !['pass', 'skipped'].includes(outcome)),
    };
  };

  it('near-misses lets every check stay silent', async () => {
    const { stdout } = await here('sandbox', 'plant', 'near-misses');
    expect(stdout).toContain('No check finds anything');

    const { exitCode, speaking, run } = await check();

    expect(speaking).toEqual([]);
    expect(exitCode).toBe(0);
    expect(run.summary).toMatchObject({ sessions: 7, cleared_answers: 1, repeated_submits: 1 });
  });

  it.each(plants)(
    '$check makes this check find $findings, and mend takes it away',
    async ({ check: id, findings, outcome }) => {
      const planted = await json('sandbox', 'plant', id);
      expect(planted).toMatchObject({ schema: 'examctl/sandbox.plant/v1', id, findings, outcome: 'planted' });

      const { exitCode, speaking } = await check();

      expect(speaking).toMatchObject([{ id, findings, outcome }]);
      expect(exitCode).toBe(outcome === 'fail' ? 1 : 0);
      expect(await json('sandbox', 'mend', id)).toMatchObject({ unplanted: [id] });
      expect((await check()).speaking).toEqual([]);
    },
    120_000,
  );

  it('plants the same only once, so that the number of findings stays as told', async () => {
    await here('sandbox', 'plant', 'overdue-sessions');

    const { exitCode, stdout } = await here('sandbox', 'plant', 'overdue-sessions');

    expect(exitCode).toBe(0);
    expect(stdout).toContain('Planted before');
    expect((await check()).speaking).toMatchObject([{ id: 'overdue-sessions', findings: 1 }]);
  });

  it('is undone in all its parts by mend without an id', async () => {
    expect(await json('sandbox', 'mend')).toMatchObject({
      unplanted: ['near-misses', 'overdue-sessions'],
    });

    const { run } = await check();

    expect(new Set(run.outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['pass', 'unknown']));
    const unseen = run.outcomes.filter(({ outcome }) => outcome === 'unknown');
    for (const { message } of unseen) expect(message).toContain('no exam session can be seen');
    expect(run.summary).toMatchObject({ sessions: 0, questions: 0, answers: 0, events: 0, submits: 0 });
    expect(await json('sandbox', 'mend')).toMatchObject({ unplanted: [] });
  });

  it('names the nearest check when there is none of this id', async () => {
    const { exitCode, stderr } = await here('sandbox', 'plant', 'lost-answer');

    expect(exitCode).toBe(2);
    expect(stderr).toContain('"lost-answers"');
    const mend = await here('sandbox', 'mend', 'overdue-session');
    expect(mend.exitCode).toBe(2);
    expect(mend.stderr).toContain('"overdue-sessions"');
  });

  it('is what break says for a check that no defect bears the name of', async () => {
    const { exitCode, stderr } = await here('sandbox', 'break', 'overdue-sessions');

    expect(exitCode).toBe(2);
    expect(stderr).toContain('examctl sandbox plant overdue-sessions');
  });

  it('stands beside the defect of the same name, and mend ends both', async () => {
    await here('sandbox', 'break', 'lost-answers');
    await here('sandbox', 'plant', 'lost-answers');

    const mended = await json<{ unplanted: string[]; defects: { on: boolean }[] }>(
      'sandbox',
      'mend',
      'lost-answers',
    );

    expect(mended.unplanted).toEqual(['lost-answers']);
    expect(mended.defects.filter(({ on }) => on)).toEqual([]);
  });

  it('keeps what is planted, and the way back, over down --keep', async () => {
    await here('sandbox', 'plant', 'question-count');
    await examctl.run('sandbox', 'down', '--keep');
    await examctl.run('sandbox', 'up');

    expect((await check()).speaking).toMatchObject([{ id: 'question-count', findings: 2 }]);
    expect(await json('sandbox', 'mend')).toMatchObject({ unplanted: ['question-count'] });
  }, 120_000);

  it('says that the database is stopped, and plants nothing', async () => {
    const pid = await databasePid();
    process.kill(pid, 'SIGSTOP');
    try {
      const { exitCode, stderr } = await here('sandbox', 'plant', 'overdue-sessions');
      expect(exitCode).toBe(3);
      expect(stderr).toContain("the sandbox's database could not be changed");
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await json('sandbox', 'mend')).toMatchObject({ unplanted: [] });
  });

  const databasePid = async () => {
    const { parts } = await json<{ parts: { id: string; pid?: number }[] }>('sandbox', 'status');
    return parts.find(({ id }) => id.startsWith('database'))?.pid ?? 0;
  };

  it('is listed with what it plants', async () => {
    const { plants: listed } = await json<{ plants: { id: string }[] }>('sandbox', 'defects');

    expect(listed.map(({ id }) => id)).toEqual([...plants.map((plant) => plant.check), 'near-misses']);
  });

  it('cannot be done without a sandbox', async () => {
    const nowhere = new Examctl();
    try {
      const { exitCode, stderr } = await nowhere.run('sandbox', 'plant', 'lost-answers');
      expect(exitCode).toBe(3);
      expect(stderr).toContain('examctl sandbox up');
    } finally {
      await nowhere.remove();
    }
  });
});
