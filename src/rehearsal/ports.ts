import type { CheckCatalogue } from '../checks/index.ts';
import type { FaultDefinition } from '../faults/fault.ts';
import type { Clock } from '../lifecycle/clock.ts';
import type { Environment } from '../lifecycle/environment.ts';
import type { PlanPart } from '../lifecycle/plan.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import type { Run } from '../lifecycle/run.ts';
import type { HaltOrder } from '../lifecycle/run-archive.ts';
import type { LoadPorts } from '../load/ports.ts';
import type { Evidence } from './evidence.ts';
import type { Walkers } from './phases/students.ts';
import type { RehearsalProfile } from './profiles.ts';

/** What tells a person how far it is. */
export interface RehearsalProgress {
  /** a phase begins; seconds is what it is expected to take */
  phase(id: PhaseId, title: string, seconds: number): void;
  update(text: string): void;
  phaseDone(id: PhaseId, text: string): void;
  note(text: string): void;
}

/** What the phases work with. */
export interface RehearsalContext {
  readonly run: Run;
  readonly environment: Environment;
  readonly profile: RehearsalProfile;
  readonly faults: readonly FaultDefinition[];
  readonly catalogue: CheckCatalogue;
  /** names students in findings */
  readonly students: Pseudonymiser;
  readonly load: LoadPorts;
  readonly engine: 'auto' | 'k6' | 'builtin';
  readonly clock: Clock;
  readonly progress: RehearsalProgress;
  readonly startedAt: Date;
  readonly evidence: Evidence;
  /** changes of the freeze, and what exam mode was before it */
  readonly frozen: { readonly changes: number[]; examModeWas: 'on' | 'off' };
  readonly breakGlass: boolean;
  readonly reason: string | undefined;
  /** who walks and who asks: others than those of the load, as a student may create and submit ten sessions a minute */
  readonly walkers: Walkers;
  /** somebody wants the faults to end: none is injected any more */
  readonly halted: () => HaltOrder | undefined;
  /** whether faults are injected while students answer */
  readonly injectsFaults: boolean;
}

export type PhaseId = 'canary' | 'freeze' | 'load' | 'faults' | 'integrity' | 'observability' | 'recovery';

/** One part of a rehearsal: it looks, and adds what it saw to the evidence. */
export interface Phase {
  readonly id: PhaseId;
  readonly title: string;
  /** about how long it takes */
  seconds(profile: RehearsalProfile): number;
  /** what it changes, for the plan; `injectsFaults`: in the middle of load */
  parts(profile: RehearsalProfile, options: { readonly injectsFaults: boolean }): readonly PlanPart[];
  rehearse(context: RehearsalContext): Promise<string>;
}
