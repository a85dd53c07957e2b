import { Refused } from './errors.ts';
import type { Plan } from './plan.ts';

/** A fault is not injected into a system that is already ill, or that cannot be seen. */
export function requireSteadyState({ operation, environment, steadyState }: Plan): void {
  const ill = steadyState.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
  if (ill.length === 0) return;
  const what = ill.map(({ title, outcome, message }) => `${title}: ${outcome} (${message})`).join('; ');
  throw new Refused(`${operation} is refused: ${environment} is not in its steady state: ${what}`, {
    hint: 'mend it first: examctl services status shows what runs, examctl fault status what examctl itself has left broken',
  });
}
