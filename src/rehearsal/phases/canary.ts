import { walkCanary } from '../../probes/canary.ts';
import type { Phase } from '../ports.ts';

export const canaryPhase: Phase = {
  id: 'canary',
  title: 'Canary: one student goes the whole way',
  seconds: () => 3,
  rehearse: async ({ environment, evidence, run }) => {
    const { userId: _, ...canary } = await walkCanary(environment, { signal: run.signal });
    evidence.canary = canary;
    const bad = canary.outcomes.find(({ outcome }) => outcome !== 'pass');
    return bad === undefined
      ? 'create, answer, read back, submit twice: works'
      : `${bad.title}: ${bad.message}`;
  },
};
