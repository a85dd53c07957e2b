import { describe, expect, it } from 'vitest';
import { planFault } from '../../src/faults/plan-fault.ts';
import { redisOutage } from '../../src/faults/redis-outage.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../src/lifecycle/errors.ts';

describe('a fault', () => {
  const asked: string[] = [];
  const environment = (kind: Environment['driver']['kind']) =>
    ({
      name: 'staging',
      driver: {
        kind,
        instances: async () => {
          asked.push(kind);
          return [];
        },
      },
    }) as unknown as Environment;

  it.each(['compose', 'kubernetes', 'railway'] as const)(
    'is not planned for a %s environment, where its way back is not proven',
    async (kind) => {
      const planning = planFault(redisOutage, environment(kind));

      await expect(planning).rejects.toBeInstanceOf(Undetermined);
      await expect(planning).rejects.toThrow('no fault is injected into staging');
      expect(asked).toEqual([]);
    },
  );

  it('may not last longer than it is allowed to', async () => {
    await expect(planFault(redisOutage, environment('sandbox'), 10_000)).rejects.toBeInstanceOf(UsageError);
  });
});
