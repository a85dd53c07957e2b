import type { Driver } from './environment.ts';
import { Refused } from './errors.ts';
import type { Plan } from './plan.ts';

type WithRevision = Pick<Driver, 'revision'>;

/** For a plan's parameters: what the files said that it rests on. */
export async function revisionOf(driver: WithRevision): Promise<{ readonly revision?: string }> {
  const revision = await driver.revision?.();
  return revision === undefined ? {} : { revision };
}

/** Somebody may have changed the files since the plan was made and shown: what would be done is not what was agreed to. */
export async function refuseStale({ operation, parameters }: Plan, driver: WithRevision): Promise<void> {
  const { revision } = parameters;
  if (revision === undefined || driver.revision === undefined) return;
  if ((await driver.revision()) === revision) return;
  throw new Refused(
    `the plan of ${operation} is stale: the files that describe the services have changed since`,
    {
      hint: 'run it again, to see the plan as it is by now',
    },
  );
}
