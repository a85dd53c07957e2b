import type { ProfileName } from '../load/scenario.ts';

/** How much of a rehearsal is done. Times are seconds. */
export interface RehearsalProfile {
  readonly load: ProfileName;
  /** during the answers scenario: when each fault begins, after the load has, and for how long it holds */
  readonly faults: readonly { readonly fault: string; readonly at: number; readonly seconds: number }[];
  /** the fault of the recovery drill */
  readonly drill: string;
  /** until the platform must be in its steady state again after a fault */
  readonly recoverySeconds: number;
}

export const rehearsalProfiles: Readonly<Record<ProfileName, RehearsalProfile>> = {
  smoke: {
    load: 'smoke',
    faults: [
      { fault: 'redis-outage', at: 3, seconds: 5 },
      { fault: 'worker-kill', at: 14, seconds: 2 },
    ],
    drill: 'full-backend-restart',
    recoverySeconds: 15,
  },
  'exam-day': {
    load: 'exam-day',
    faults: [
      { fault: 'redis-outage', at: 300, seconds: 60 },
      { fault: 'worker-kill', at: 900, seconds: 30 },
    ],
    drill: 'full-backend-restart',
    recoverySeconds: 60,
  },
};
