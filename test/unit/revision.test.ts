import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/lifecycle/plan.ts';
import { refuseStale, revisionOf } from '../../src/lifecycle/revision.ts';

const planOn = async (driver: { revision?(): Promise<string> }) =>
  makePlan({
    operation: 'services restart',
    environment: 'staging',
    parameters: await revisionOf(driver),
    impact: { sessionsInProgress: 0, lastEndsAt: null, disruptive: true, text: '' },
    changes: [],
    holdSeconds: null,
    steadyState: [],
  });

describe('a plan', () => {
  it('is refused when the files that it rests on have changed since', async () => {
    let revision = 'one';
    const driver = { revision: async () => revision };
    const plan = await planOn(driver);

    await refuseStale(plan, driver);
    revision = 'two';
    await expect(refuseStale(plan, driver)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('the plan of services restart is stale'),
    });
  });

  it('rests on no files where there are none', async () => {
    const plan = await planOn({});

    expect(plan.parameters).toEqual({});
    await refuseStale(plan, { revision: async () => 'one' });
  });
});
