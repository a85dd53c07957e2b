import { createHash } from 'node:crypto';
import type { Snapshot } from './environment.ts';
import { canonicalJson, type Json } from './json.ts';
import type { OutcomeRecord } from './outcome.ts';

/**
 * One thing to do to an environment, as data: what a plan shows, the journal stores and any later process
 * can carry out. `kind` names a file of src/actions/.
 */
export interface Action {
  readonly kind: string;
  readonly [parameter: string]: Json;
}

export interface Change {
  /** what is changed: "service cache" */
  readonly target: string;
  readonly before: string;
  readonly after: string;
  readonly apply: Action;
  /** the way back, known before the change is made; null when there is none */
  readonly revert: Action | null;
  /** who undoes it when the run's process dies: its guardian at once, or a person by `examctl recover` */
  readonly undoneBy: 'guardian' | 'recover';
  /** how long it takes, about */
  readonly seconds: number;
}

/** One operation of a longer run. */
export interface PlanPart {
  /** as its own plan will call it; null: it writes by the platform's own API, as students do */
  readonly operation: string | null;
  /** "Redis is away" */
  readonly title: string;
  /** "5 s, then reverted" */
  readonly effect: string;
}

/** How an operation touches the students who are in an exam while it runs. */
export interface Impact {
  /** sessions in progress when the plan was made; null when they could not be counted */
  readonly sessionsInProgress: number | null;
  /** of these, the sessions of students who are no rehearsal's own; absent: all */
  readonly othersInProgress?: number | null;
  /** when the last of them ends, ISO 8601 */
  readonly lastEndsAt: string | null;
  /** true when students notice: a restart, a fault, a lock */
  readonly disruptive: boolean;
  readonly text: string;
}

export interface PlanContent {
  /** "fault inject redis-outage" */
  readonly operation: string;
  readonly environment: string;
  readonly parameters: { readonly [name: string]: Json };
  readonly impact: Impact;
  readonly changes: readonly Change[];
  /** seconds after which everything is reverted; null when the changes are meant to stay */
  readonly holdSeconds: number | null;
  /** operations that its run carries out one after the other, each with a plan of its own; for people, and to hold it to */
  readonly parts?: readonly PlanPart[];
  /** what could not be looked at, and is therefore not in the plan; for people */
  readonly notes?: readonly string[];
  /** what is done and undone, as a person would type it */
  readonly commands?: readonly string[];
  /** all that a fault may touch, as it was: that it is so again proves the revert */
  readonly before?: Snapshot;
  /** what held before: a fault is not injected into a system that is already ill */
  readonly steadyState: readonly OutcomeRecord[];
}

/** Pure data: a dry run prints it, a run executes it. */
export interface Plan extends PlanContent {
  /** SHA-256 over what would be done; not over what was seen, which changes from look to look */
  readonly digest: string;
}

export function makePlan(content: PlanContent): Plan {
  const { operation, environment, parameters, changes, holdSeconds } = content;
  const essence = canonicalJson({ operation, environment, parameters, changes, holdSeconds });
  return { ...content, digest: createHash('sha256').update(essence).digest('hex') };
}
