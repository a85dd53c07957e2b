import type { Snapshot } from './environment.ts';
import type { OutcomeRecord } from './outcome.ts';
import type { Action } from './plan.ts';

/** Carries out actions on one environment. Made in main from src/actions/ and an opened environment. */
export interface Actuator {
  /** for people: "stop service cache" */
  describe(action: Action): string;
  /** Idempotent: what is already so is left alone. */
  apply(action: Action, signal: AbortSignal): Promise<void>;
  /** Looks whether the action's effect is there, by another path than the change took where there is one. */
  verify(action: Action, signal: AbortSignal): Promise<OutcomeRecord>;
  /** all that a fault may touch, as it is now */
  snapshot(signal?: AbortSignal): Promise<Snapshot>;
}
