import type { CheckRun } from '../checks/check-run.ts';
import type { Capture } from '../collectors/capture.ts';
import type { PoolSamples } from '../collectors/watch-pool.ts';
import type { FaultRecord } from '../faults/inject-fault.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { LoadResult } from '../load/load-result.ts';
import type { Reconciliation } from '../load/reconcile/reconciliation.ts';
import type { Canary } from '../probes/canary.ts';
import type { ExamModeVerification } from '../probes/exam-mode.ts';

/** What the canary saw; who it was stays on the platform. */
export type CanaryEvidence = Omit<Canary, 'userId'>;

/** Requests of the load in a stretch of time. */
export interface RequestShare {
  readonly requests: number;
  readonly failed: number;
}

/** What was seen around one fault. */
export interface FaultObservation {
  readonly fault: string;
  readonly title: string;
  readonly expectation: string;
  readonly toleratedErrorRate: number;
  /** ISO 8601 */
  readonly injectedAt: string;
  readonly revertedAt: string | null;
  /** from the end of the disturbance until the steady state was seen; null when it was not */
  readonly recoverySeconds: number | null;
  readonly before: RequestShare;
  readonly during: RequestShare;
  readonly after: RequestShare;
  readonly steadyAfter: readonly OutcomeRecord[];
  /** what examctl's own reads saw, ten a second; null when the fault was not made */
  readonly pulse: Pick<FaultRecord, 'before' | 'during' | 'after'> | null;
  /** what ended it early */
  readonly stopped: FaultRecord['stopped'];
  /** of the fault on its own */
  readonly verdict: OutcomeRecord | null;
  /** why it could not be injected, or not reverted; `isKnown`: the platform did wrong, else it could not be seen */
  readonly problem: { readonly text: string; readonly isKnown: boolean } | null;
}

/** What the phases of a rehearsal have seen; a phase that was not reached leaves its part undefined. */
export interface Evidence {
  canary?: CanaryEvidence;
  examModeOn?: ExamModeVerification;
  examModeOff?: ExamModeVerification;
  loads: LoadResult[];
  faults: FaultObservation[];
  pool?: PoolSamples;
  integrity?: CheckRun;
  reconciliations: Reconciliation[];
  capture?: Capture;
  auditTrail?: readonly OutcomeRecord[];
  drill?: FaultObservation & { readonly canary: CanaryEvidence };
}

/** The files of the run's folder, by what they show. */
export const evidenceFiles = {
  canary: 'evidence/canary.json',
  examModeOn: 'evidence/exam-mode-on.json',
  examModeOff: 'evidence/exam-mode-off.json',
  loads: 'evidence/load.json',
  faults: 'evidence/faults.json',
  pool: 'evidence/pool.json',
  integrity: 'evidence/integrity.json',
  reconciliations: 'evidence/reconciliation.json',
  capture: 'evidence/metrics.json',
  auditTrail: 'evidence/audit-trail.json',
  drill: 'evidence/recovery-drill.json',
} as const satisfies Record<keyof Evidence, string>;
