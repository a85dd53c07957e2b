import type { Driver } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';

/**
 * Stands for a driver that this version does not have, and for none at all: whatever would need it is `unknown` or refused, and what
 * needs only the API, the database or the cache works.
 */
export function unavailableDriver(kind: Driver['kind'], environment: string): Driver {
  const refuse = async (): Promise<never> => {
    throw new Undetermined(
      kind === 'none'
        ? `services of ${environment} cannot be reached: its driver is "none"`
        : `services of ${environment} cannot be reached: this version has no ${kind} driver`,
      {
        hint: 'API, database and cache checks work without it; services and faults need the sandbox or compose driver for now',
      },
    );
  };
  return {
    kind,
    instances: refuse,
    start: refuse,
    stop: refuse,
    restart: refuse,
    restartInstance: refuse,
    pause: refuse,
    workers: refuse,
    killWorker: refuse,
    disturber: { possibility: refuse, disturb: refuse, calm: refuse, isDisturbed: refuse },
    snapshot: refuse,
    variable: refuse,
    setVariable: refuse,
    logs: () => ({
      [Symbol.asyncIterator]: () => ({ next: refuse }),
    }),
    stats: refuse,
    jobs: refuse,
    setJobsEnabled: refuse,
  };
}
