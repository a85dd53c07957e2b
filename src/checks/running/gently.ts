import { systemClock } from '../../lifecycle/clock.ts';
import type { Environment } from '../../lifecycle/environment.ts';
import type { CheckRun } from '../check-run.ts';
import { chooseDatabase } from '../server/replica.ts';
import { type CalmOptions, keepCalm, platformLatency } from './calm.ts';
import type { RunChecksOptions } from './run-checks.ts';

/** Runs checks so that students in exams do not feel it: on a replica where there is one, and with pauses. */
export async function gently(
  environment: Environment,
  signal: AbortSignal,
  run: (how: Pick<RunChecksOptions, 'environment' | 'mayGoOn'>) => Promise<CheckRun>,
  resting: Pick<CalmOptions, 'rest' | 'onRest'> = {},
): Promise<CheckRun> {
  const { name, platform } = environment;
  const { withPostgres, notes } = await chooseDatabase(environment, signal);
  const calm = keepCalm({ measure: platformLatency(environment), clock: systemClock, ...resting });
  const result = await run({
    environment: { name, platform, withPostgres },
    mayGoOn: (aborted) => calm.mayGoOn(aborted),
  });
  return { ...result, notes: [...notes, ...result.notes, ...calm.notes()] };
}
