import type { Scenario } from '../scenario.ts';
import { answers } from './answers.ts';
import { sessionBurst } from './session-burst.ts';
import { submitSpike } from './submit-spike.ts';

/** In the order in which an exam sees them. */
export const scenarios: readonly Scenario[] = [sessionBurst, answers, submitSpike];
