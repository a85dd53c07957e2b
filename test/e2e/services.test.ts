import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Examctl } from '../support/examctl.ts';

interface Status {
  readonly instances: readonly {
    readonly id: string;
    readonly state: string;
    readonly since: string | null;
  }[];
}

describe('services of the sandbox', () => {
  const examctl = new Examctl();
  beforeAll(async () => {
    await examctl.run('sandbox', 'up', '--students', '5');
  }, 120_000);
  afterAll(() => examctl.remove());

  const json = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await examctl.run('services', ...args, '-o', 'json');
    return { exitCode, stderr, content: stdout === '' ? null : JSON.parse(stdout) };
  };
  const stateOf = async (id: string) => {
    const { exitCode, content } = await json('status');
    return { exitCode, ...(content as Status).instances.find((instance) => instance.id === id) };
  };

  it('are shown with their state; one that is stopped makes the answer bad', async () => {
    expect(await stateOf('cache-1')).toMatchObject({ exitCode: 0, state: 'running' });

    expect(await json('stop', 'cache')).toMatchObject({ exitCode: 0 });
    expect(await stateOf('cache-1')).toMatchObject({ exitCode: 1, state: 'stopped' });

    expect((await json('start', 'cache')).content).toMatchObject({
      changes: [{ before: 'stopped', after: 'running' }],
    });
    expect(await stateOf('cache-1')).toMatchObject({ exitCode: 0, state: 'running' });
    expect((await json('start', 'cache')).content).toMatchObject({ run: null, changes: [] });
  });

  it('are restarted one, or all in the order in which they need each other', async () => {
    const before = await stateOf('backend-1');

    expect((await json('restart', 'backend')).exitCode).toBe(0);
    const after = await stateOf('backend-1');
    expect(after.state).toBe('running');
    expect(Date.parse(after.since ?? '')).toBeGreaterThan(Date.parse(before.since ?? ''));

    const { exitCode, content } = await json('restart-all');
    expect(exitCode).toBe(0);
    expect((content as { changes: { target: string }[] }).changes.map(({ target }) => target)).toEqual(
      ['database', 'cache', 'worker', 'backend', 'edge'].map((service) => `service ${service}`),
    );
    expect(await json('status')).toMatchObject({ exitCode: 0 });
  });

  it('are not touched by a dry run, which names the impact on students', async () => {
    const before = await stateOf('backend-1');

    const { exitCode, content } = await json('restart', 'backend', '--dry-run');

    expect(exitCode).toBe(0);
    expect(JSON.stringify(content)).toContain('no student is in an exam');
    expect(await stateOf('backend-1')).toEqual(before);
  });

  it('have logs, by service and since a time', async () => {
    const all = await examctl.run('services', 'logs', 'backend');
    expect(all.stdout).toMatch(/^backend-[12]\s+\S/m);

    const since = await examctl.run('services', 'logs', 'backend', '--since', '1s');
    expect(since.stdout.length).toBeLessThan(all.stdout.length);
  });

  it('that there are not are refused by name', async () => {
    expect(await json('stop', 'frontend')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has no service frontend'),
    });
    expect(await json('stop', 'cahce')).toMatchObject({ exitCode: 2 });
  });
});
