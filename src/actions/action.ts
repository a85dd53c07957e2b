import type { Environment } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Action } from '../lifecycle/plan.ts';

export interface ActionPorts {
  readonly environment: Environment;
  /** why, for the platform's own audit rows */
  readonly reason: string;
}

/**
 * One kind of thing that can be done to an environment. `apply` is idempotent; `verify` looks at the system and
 * never believes that an order given is an order carried out.
 */
export interface ActionDefinition<A extends Action> {
  readonly kind: A['kind'];
  describe(action: A): string;
  apply(action: A, ports: ActionPorts, signal: AbortSignal): Promise<void>;
  verify(action: A, ports: ActionPorts, signal: AbortSignal): Promise<OutcomeRecord>;
}

export function defineAction<A extends Action>(definition: ActionDefinition<A>): ActionDefinition<A> {
  return definition;
}
