import type { Scenario } from '../scenario.ts';

export const sessionBurst: Scenario = {
  id: 'session-burst',
  title: 'an exam begins',
  description: 'each virtual student creates one timed exam session',
  creates: 'in-window',
  answersBefore: 0,
  answersInWindow: false,
  changeRatio: 0,
  submits: 'after',
  submitTwiceRatio: 0,
  arrival: 'even',
  preparedPerSecond: 50,
  profiles: {
    smoke: { students: 40, seconds: 8, questions: 20, graceSeconds: 15, thinkSeconds: { min: 0, max: 0 } },
    'exam-day': {
      students: 400,
      seconds: 300,
      questions: 60,
      graceSeconds: 90,
      thinkSeconds: { min: 0, max: 0 },
    },
  },
};
