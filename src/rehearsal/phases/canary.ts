import type { PlanPart } from '../../lifecycle/plan.ts';
import { walkCanary } from '../../probes/canary.ts';
import type { Phase } from '../ports.ts';

export const canaryPart: PlanPart = {
  operation: null,
  title: 'Canary: one rehearsal student',
  effect: '2 exam sessions are written and handed in',
};

export const canaryPhase: Phase = {
  id: 'canary',
  title: 'Canary: one student goes the whole way',
  seconds: () => 3,
  parts: () => [canaryPart],
  rehearse: async ({ environment, evidence, run, walkers }) => {
    const { userId: _, ...canary } = await walkCanary(environment, {
      signal: run.signal,
      students: walkers.canary,
    });
    evidence.canary = canary;
    const bad = canary.outcomes.find(({ outcome }) => outcome !== 'pass');
    return bad === undefined
      ? 'create, answer, read back, submit twice: works'
      : `${bad.title}: ${bad.message}`;
  },
};
