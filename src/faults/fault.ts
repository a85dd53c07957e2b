import type { Ability } from '../lifecycle/disturbance.ts';
import type { Environment, Service } from '../lifecycle/environment.ts';
import type { Change } from '../lifecycle/plan.ts';
import type { Parameter, Values } from './parameters.ts';

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
  readonly parameters: readonly Parameter[];
  /** share of requests, in 0..1, that may fail while it holds beyond those that failed before: the expectation in numbers */
  readonly toleratedErrorRate: number;
  /** ids of what belongs to the steady state and may be lost meanwhile; if anything else is lost, the fault is ended */
  readonly mayFail: readonly string[];
  /** conditions that end it early, as of --stop-if: "error_rate>0.5" */
  readonly stopIf: readonly string[];
  /** what students notice, for the plan */
  readonly impact: string;
  /** who is hit, for the plan: the blast radius */
  readonly hits: (values: Values) => string;
  /** what the reads of the verdict cannot see of it, where there is something; null: they meet it */
  readonly unseen?: (values: Values) => string | null;
  /** other faults that show about the same, where this one cannot be made */
  readonly alternatives: readonly string[];
  /** whether it can be made here and now is the driver's question; null: everywhere */
  readonly needs: ((values: Values) => Need) | null;
  changes(how: FaultRequest): Promise<readonly Change[]>;
}

export type Need = Ability | { readonly kind: 'service'; readonly service: Service };

export interface FaultRequest {
  readonly environment: Environment;
  readonly values: Values;
  /** for how long it holds */
  readonly seconds: number;
}

export function defineFault(definition: FaultDefinition): FaultDefinition {
  return definition;
}
