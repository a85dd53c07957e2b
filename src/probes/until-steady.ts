import type { Clock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { steadyState } from './steady-state.ts';

/** Looks again until nothing is bad, or until the time is over; what it saw last. */
export async function untilSteady(
  environment: Environment,
  { clock, signal, seconds }: { clock: Clock; signal: AbortSignal; seconds: number },
): Promise<readonly OutcomeRecord[]> {
  const deadline = clock.now().getTime() + seconds * 1000;
  for (;;) {
    const state = await steadyState(environment, { signal });
    signal.throwIfAborted();
    const bad = state.some(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
    if (!bad || clock.now().getTime() > deadline) return state;
    await clock.sleep(250, signal);
  }
}
