import { walkCanary } from '../../probes/canary.ts';
import type { Phase } from '../ports.ts';
import { canaryPart } from './canary.ts';
import { inject } from './injection.ts';
import { observeAlone } from './observe.ts';

export const recoveryPhase: Phase = {
  id: 'recovery',
  title: 'Recovery drill: the whole backend is restarted',
  seconds: () => 10,
  parts: ({ drill }) => [
    {
      operation: `fault inject ${drill}`,
      title: `Recovery drill: ${drill}`,
      effect: 'nobody can work until the backend answers again',
    },
    { ...canaryPart, title: `${canaryPart.title}, after the drill` },
  ],
  rehearse: async (context) => {
    const { profile, environment, evidence, run, walkers } = context;
    const injection = await inject(profile.drill, 1, context);
    const { userId: _, ...canary } = await walkCanary(environment, {
      signal: run.signal,
      students: walkers.drill,
    });
    evidence.drill = { ...observeAlone(injection), canary };
    const { problem, recoverySeconds } = evidence.drill;
    if (problem !== null) return problem.text;
    return recoverySeconds === null
      ? 'no steady state was seen'
      : `steady ${recoverySeconds.toFixed(1)} s after the restart`;
  },
};
