import { describe, expect, it } from 'vitest';
import { clockSkew } from '../../src/faults/clock-skew.ts';
import { diskFull } from '../../src/faults/disk-full.ts';
import type { FaultDefinition } from '../../src/faults/fault.ts';
import { networkCut } from '../../src/faults/network-cut.ts';
import { valuesOf } from '../../src/faults/parameters.ts';
import { planFault } from '../../src/faults/plan-fault.ts';
import { possibilityOf } from '../../src/faults/possibility.ts';
import { redisOutage } from '../../src/faults/redis-outage.ts';
import type { Driver, Environment, ServiceInstance } from '../../src/lifecycle/environment.ts';
import { Undetermined, UsageError } from '../../src/lifecycle/errors.ts';

/** Nothing but a driver that says what it can: nobody else may be asked before that. */
const environment = (driver: Partial<Driver>) =>
  ({ name: 'staging', driver: { kind: 'compose', ...driver } }) as unknown as Environment;
const refusing = environment({
  instances: async () => [],
  disturber: {
    possibility: async () => ({ possible: false, why: 'no iptables here' }),
  } as Partial<Driver['disturber']> as Driver['disturber'],
});

describe('a fault', () => {
  const instances: Driver['instances'] = async () => [{ service: 'cache' }] as ServiceInstance[];
  it.each<[FaultDefinition, Environment, string, string]>([
    [redisOutage, refusing, 'redis-outage cannot be made on staging: there is no service cache', ''],
    [networkCut, refusing, 'network-cut cannot be made on staging: no iptables here', ''],
    [
      networkCut,
      environment({ ...refusing.driver, instances }),
      'network-cut cannot be made on staging: no iptables here',
      'about the same is shown by: redis-outage. ',
    ],
  ])(
    'that cannot be made here is not planned, and names those that show the same and can be made: $id',
    async (fault, where, why, instead) => {
      const planning = planFault(fault, where);
      await expect(planning).rejects.toBeInstanceOf(Undetermined);
      await expect(planning).rejects.toThrow(why);
      await expect(planning).rejects.toMatchObject({
        hint: `${instead}examctl fault list -e staging shows what can be made`,
      });
    },
  );

  it('may not last longer than it is allowed to, and is told before anything is asked', async () => {
    const planning = planFault(redisOutage, environment({}), { seconds: redisOutage.maxSeconds + 1 });
    await expect(planning).rejects.toBeInstanceOf(UsageError);
    await expect(planning).rejects.toMatchObject({ hint: '--for 300s' });
  });
});

describe('whether a fault is possible', () => {
  it('is no question where examctl itself makes it', async () => {
    expect(await possibilityOf(clockSkew, environment({}))).toMatchObject({ possible: true });
  });

  it('is asked for the values that are wanted', async () => {
    const asked: unknown[] = [];
    const possibility: Driver['disturber']['possibility'] = async (what) => {
      asked.push(what);
      return { possible: true, how: 'a file' };
    };
    const where = environment({ disturber: { possibility } as Driver['disturber'] });
    const values = valuesOf(diskFull.parameters, ['service=worker', 'path=/scratch']);
    expect(await possibilityOf(diskFull, where, values)).toEqual({ possible: true, how: 'a file' });
    expect(asked).toEqual([{ kind: 'disk', service: 'worker', path: '/scratch' }]);
  });

  it('is not told beside the point where the driver cannot be asked: its own hint is what helps', async () => {
    const instances = async () => {
      throw new Undetermined('the sandbox is not running', { hint: 'examctl sandbox up' });
    };
    await expect(planFault(redisOutage, environment({ instances }))).rejects.toMatchObject({
      message: 'the sandbox is not running',
      hint: 'examctl sandbox up',
    });
  });

  it('is no where the driver cannot be asked, for that reason', async () => {
    const instances = async () => {
      throw new Undetermined('the engine does not answer');
    };
    expect(await possibilityOf(redisOutage, environment({ instances }))).toEqual({
      possible: false,
      why: 'the engine does not answer',
    });
  });

  it('is not hidden by a bug', async () => {
    const instances = async () => {
      throw new TypeError('a bug');
    };
    await expect(possibilityOf(redisOutage, environment({ instances }))).rejects.toThrow('a bug');
  });
});
