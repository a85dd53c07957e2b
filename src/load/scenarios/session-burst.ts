import type { Scenario } from '../scenario.ts';

export const sessionBurst: Scenario = {
  id: 'session-burst',
  title: 'an exam begins',
  description: 'each virtual student creates one timed exam session',
  arrives: { within: 0.95 },
  answersBefore: 0,
  answersInWindow: false,
  changeRatio: 0,
  lostConnectionRatio: 0,
  awaySeconds: { min: 0, max: 0 },
  submits: 'after',
  earlyRatio: 0,
  submitTwiceRatio: 0,
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
