import type { Driver } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import type { Platform } from '../lifecycle/platform.ts';

/** Worker processes of one backend instance: as the running service has it, else as the platform is shipped. */
export async function workersPerInstance({
  driver,
  platform,
}: {
  readonly driver: Pick<Driver, 'kind' | 'variable'>;
  readonly platform: Pick<Platform, 'workersPerInstance'>;
}): Promise<number> {
  const { variable, byDriver } = platform.workersPerInstance;
  const configured = Number(await variableOrNothing(driver, variable));
  return Number.isInteger(configured) && configured > 0 ? configured : byDriver[driver.kind];
}

async function variableOrNothing(
  driver: Pick<Driver, 'variable'>,
  name: string,
): Promise<string | undefined> {
  try {
    return await driver.variable('backend', name);
  } catch (error) {
    // A backend that is down has no variables; how many workers it is shipped with is still known.
    if (error instanceof Undetermined) return undefined;
    throw error;
  }
}
