import type { Gate } from './gate.ts';

export const recovery: Gate = {
  id: 'recovery',
  title: 'the platform recovers by itself, and soon',
  needs: ['drill'],
  judge: ({ drill, faults }, { recoverySeconds: limit }) => {
    const drills = drill === undefined ? faults : [...faults, drill];
    const problems = drills.flatMap(({ fault, problem }) =>
      problem === null ? [] : [{ fault, ...problem }],
    );
    if (problems.length > 0) {
      return {
        outcome: problems.some(({ isKnown }) => isKnown) ? 'fail' : 'unknown',
        message: problems.map(({ fault, text }) => `${fault}: ${text}`).join('; '),
      };
    }
    const never = drills.filter(({ recoverySeconds }) => recoverySeconds === null);
    if (never.length > 0) {
      return {
        outcome: 'fail',
        message: `no steady state after ${never.map(({ fault }) => fault).join(', ')}`,
      };
    }
    const message = drills
      .map(({ fault, recoverySeconds }) => `${fault} ${recoverySeconds?.toFixed(1)} s`)
      .join(', ');
    const late = drills.some(({ recoverySeconds }) => (recoverySeconds ?? 0) > limit);
    if (late) return { outcome: 'fail', message: `steady again after: ${message}; limit ${limit} s` };
    if (drill?.canary.outcome !== 'pass') {
      const bad = drill?.canary.outcomes.find(({ outcome }) => outcome !== 'pass');
      return {
        outcome: drill?.canary.outcome ?? 'unknown',
        message: `after the drill: ${bad?.title}: ${bad?.message}`,
      };
    }
    return {
      outcome: 'pass',
      message: `steady again after: ${message}; limit ${limit} s; a student can work`,
    };
  },
};
