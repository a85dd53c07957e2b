import type { Environment } from '../lifecycle/environment.ts';
import type { Change } from '../lifecycle/plan.ts';

/** A disturbance on purpose. It is data and a list of changes; the lifecycle makes, watches and reverts them. */
export interface FaultDefinition {
  readonly id: string;
  readonly title: string;
  /** what the platform should do meanwhile */
  readonly expectation: string;
  /**
   * `lasting`: there until it is reverted. `momentary`: over as soon as it is made, like a restart, and the platform
   * recovers by itself.
   */
  readonly nature: 'lasting' | 'momentary';
  /** seconds for which it holds unless --for says otherwise, and the most that is allowed */
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
  /** share of requests, in 0..1, that may fail while it holds beyond those that failed before: the expectation in numbers */
  readonly toleratedErrorRate: number;
  /** what students notice, for the plan */
  readonly impact: string;
  changes(environment: Environment): Promise<readonly Change[]>;
}

export function defineFault(definition: FaultDefinition): FaultDefinition {
  return definition;
}
