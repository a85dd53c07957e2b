import { UsageError } from '../lifecycle/errors.ts';
import { nearest } from '../lifecycle/nearest.ts';
import type { PhaseId } from './ports.ts';

export const phaseIds: readonly PhaseId[] = [
  'canary',
  'freeze',
  'load',
  'faults',
  'integrity',
  'observability',
  'recovery',
];

/** Phases as a person numbers them (the canary has none), or names them. */
const byNumber: Readonly<Record<string, PhaseId>> = {
  '1': 'freeze',
  '2': 'load',
  '3': 'faults',
  '4': 'integrity',
  '5': 'observability',
  '6': 'recovery',
};

/** "1,2,4" or "freeze,load,integrity"; undefined: all of them. */
export function selectPhases(text: string | undefined): ReadonlySet<PhaseId> {
  if (text === undefined) return new Set(phaseIds);
  const selected = new Set(text.split(',').map((part) => phaseOf(part.trim())));
  if (selected.has('faults') && !selected.has('load')) {
    throw new UsageError('faults are injected during load: --phases has 3 (faults) without 2 (load)', {
      hint: '--phases 2,3, or examctl fault inject for a fault alone',
    });
  }
  return selected;
}

function phaseOf(name: string): PhaseId {
  const phase = byNumber[name] ?? phaseIds.find((id) => id === name);
  if (phase !== undefined) return phase;
  const meant = nearest(name, phaseIds);
  const all = Object.entries(byNumber).map(([number, id]) => `${number} ${id}`);
  throw new UsageError(`there is no phase "${name}"`, {
    hint: `${meant === undefined ? '' : `did you mean "${meant}"? `}phases: canary, ${all.join(', ')}`,
  });
}
