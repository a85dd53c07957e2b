import { describe, expect, it } from 'vitest';
import { type Calm, keepCalm, platformLatency } from '../../src/checks/running/calm.ts';
import { lagNote } from '../../src/checks/server/replica.ts';
import type { Clock } from '../../src/lifecycle/clock.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { examPlatform } from '../../src/platforms/exam-platform.ts';

/** A time that goes on only when somebody sleeps, and when a statement takes its time. */
function scene(latencies: readonly (number | Error)[], { rest = true } = {}) {
  let time = 0;
  let asked = 0;
  const slept: number[] = [];
  const clock: Clock = {
    now: () => new Date(time),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      time += milliseconds;
    },
    deadline: () => new AbortController().signal,
  };
  const measure = async () => {
    const latency = latencies[Math.min(asked, latencies.length - 1)] ?? 0;
    asked += 1;
    if (latency instanceof Error) throw latency;
    return latency;
  };
  const rests: number[] = [];
  const calm = keepCalm({ measure, clock, rest, onRest: (milliseconds) => rests.push(milliseconds) });
  const signal = new AbortController().signal;
  return {
    calm,
    slept,
    rests,
    asked: () => asked,
    mayGoOn: () => calm.mayGoOn(signal),
    statementTakes: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

describe('on a live exam', () => {
  it('the first statement may go on at once', async () => {
    const { mayGoOn, slept, calm } = scene([30]);

    expect(await mayGoOn()).toBeNull();
    expect(slept).toEqual([]);
    expect(calm.notes()).toEqual([]);
  });

  it('the statements have a tenth of the time, and a rest takes at most 45 seconds', async () => {
    const { mayGoOn, statementTakes, slept, calm, rests } = scene([30]);

    await mayGoOn();
    statementTakes(700);
    await mayGoOn();
    statementTakes(9_000);
    await mayGoOn();
    statementTakes(5);
    await mayGoOn();

    expect(slept).toEqual([6_300, 45_000]);
    expect(rests).toEqual([6_300, 45_000]);
    expect(calm.notes()).toEqual([
      'rested 51.3 s between statements, as students are in exams; --no-rest goes on at once',
    ]);
  });

  it('there is no rest where none is wanted', async () => {
    const { mayGoOn, statementTakes, slept } = scene([30], { rest: false });

    await mayGoOn();
    statementTakes(9_000);
    await mayGoOn();

    expect(slept).toEqual([]);
  });

  it('a platform that is a little slower than at first is none that suffers', async () => {
    const { mayGoOn, statementTakes, slept } = scene([10, 59]);

    await mayGoOn();
    statementTakes(300);

    expect(await mayGoOn()).toBeNull();
    expect(slept).toEqual([2_700]);
  });

  it('it waits until the platform answers as before, and says so', async () => {
    const { mayGoOn, statementTakes, slept, calm } = scene([100, 500, 300, 201, 200]);

    await mayGoOn();
    statementTakes(300);

    expect(await mayGoOn()).toBeNull();
    expect(slept).toEqual([2_700, 1_000, 1_000, 1_000]);
    expect(calm.notes().slice(1)).toEqual(['waited 3.0 s for the platform, which answered slowly']);
  });

  it('it stops after twenty seconds of waiting, with the reason', async () => {
    const { mayGoOn, statementTakes, slept } = scene([100, 500]);

    await mayGoOn();
    statementTakes(300);

    expect(await mayGoOn()).toBe(
      'students are in exams and the platform answers in 500 ms, at the beginning in 100 ms; waited 20 s for it',
    );
    expect(slept.filter((milliseconds) => milliseconds === 1_000)).toHaveLength(20);
  });

  it('a platform that gives no answer any more is slow, too', async () => {
    const { mayGoOn, statementTakes } = scene([100, new Undetermined('no answer')]);

    await mayGoOn();
    statementTakes(300);

    expect(await mayGoOn()).toContain('the platform does not answer, at the beginning in 100 ms');
  });

  it('nothing is begun when it gives no answer from the beginning', async () => {
    const { mayGoOn } = scene([new Undetermined('no answer')]);

    expect(await mayGoOn()).toBe('students are in exams and the platform does not answer');
  });

  it('many short statements are not all measured', async () => {
    const { mayGoOn, statementTakes, asked } = scene([10]);

    for (let statement = 0; statement < 30; statement += 1) {
      await mayGoOn();
      statementTakes(10);
    }

    expect(asked()).toBe(2);
  });

  it('an interrupt ends the waiting', async () => {
    const abort = new AbortController();
    const reason = new Error('interrupted');
    let second = 0;
    const calm: Calm = keepCalm({
      measure: async () => 1,
      clock: {
        now: () => new Date(second++ * 1_000),
        sleep: async () => abort.abort(reason),
        deadline: () => new AbortController().signal,
      },
    });

    await calm.mayGoOn(abort.signal);

    await expect(calm.mayGoOn(abort.signal)).rejects.toBe(reason);
  });
});

describe('the latency of the platform', () => {
  const environment = (request: Environment['api']['request'], query: () => Promise<unknown>) =>
    ({
      platform: examPlatform,
      api: { request },
      withPostgres: (use: (postgres: unknown) => unknown) => use({ query }),
    }) as unknown as Environment;
  const signal = new AbortController().signal;

  it('is that of the API, as it says itself', async () => {
    const paths: string[] = [];
    const measure = platformLatency(
      environment(
        async ({ path }) => {
          paths.push(path);
          return { status: 200, ms: 42, headers: {}, body: {} };
        },
        async () => expect.unreachable(),
      ),
    );

    expect(await measure(signal)).toBe(42);
    expect(new Set(paths)).toEqual(new Set(['/ready']));
  });

  it('is that of the database where the API does not answer from the beginning', async () => {
    let queries = 0;
    const measure = platformLatency(
      environment(
        () => Promise.reject(new Undetermined('nobody there')),
        async () => {
          queries += 1;
          await new Promise((resolve) => setTimeout(resolve, 30));
        },
      ),
    );

    expect(await measure(signal)).toBeGreaterThan(25);
    await measure(signal);
    expect(queries).toBe(2);
  });

  it('is not that of an error page, however soon it comes', async () => {
    let status = 200;
    const measure = platformLatency(
      environment(
        async () => ({ status, ms: 1, headers: {}, body: '' }),
        async () => expect.unreachable(),
      ),
    );
    await measure(signal);
    status = 503;

    await expect(measure(signal)).rejects.toThrow(Undetermined);
  });
});

describe('what is said about a replica', () => {
  it.each([
    [
      { in_recovery: true, caught_up: false, seconds: 4.26 },
      'read from the replica; its last transaction is 4.3 s old',
    ],
    [
      { in_recovery: true, caught_up: false, seconds: 61 },
      'read from the replica, which is behind: its last transaction is 61 s old, and what was written since is not looked at',
    ],
    [
      { in_recovery: true, caught_up: true, seconds: 600 },
      'read from the replica, which has replayed all that it received; its last transaction is 600 s old',
    ],
    [
      { in_recovery: true, caught_up: null, seconds: null },
      'read from the replica; how far it is behind is not known',
    ],
    [
      { in_recovery: false, caught_up: null, seconds: null },
      'database.replica is no replica: the server there is not in recovery',
    ],
  ])('%j', (lag, note) => {
    expect(lagNote(lag)).toBe(note);
  });
});
