import type { Scenario } from '../scenario.ts';
import { answers } from './answers.ts';
import { examDay } from './exam-day.ts';
import { sessionBurst } from './session-burst.ts';
import { submitSpike } from './submit-spike.ts';

/** In the order in which an exam sees them. */
export const partsOfAnExam: readonly Scenario[] = [sessionBurst, answers, submitSpike];

export const scenarios: readonly Scenario[] = [...partsOfAnExam, examDay];
