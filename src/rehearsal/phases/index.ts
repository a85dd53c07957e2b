import type { Phase } from '../ports.ts';
import { canaryPhase } from './canary.ts';
import { freezePhase } from './freeze.ts';
import { integrityPhase } from './integrity.ts';
import { loadPhase } from './load.ts';
import { observabilityPhase } from './observability.ts';
import { recoveryPhase } from './recovery.ts';

/** In the order of a rehearsal. Faults are injected inside of the load phase. */
export const phases: readonly Phase[] = [
  canaryPhase,
  freezePhase,
  loadPhase,
  integrityPhase,
  observabilityPhase,
  recoveryPhase,
];
