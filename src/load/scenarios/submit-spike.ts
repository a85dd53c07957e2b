import type { Scenario } from '../scenario.ts';

export const submitSpike: Scenario = {
  id: 'submit-spike',
  title: 'an exam ends',
  description:
    'each virtual student has answered some questions; all submit within the window, some of them twice',
  arrives: 'before',
  answersBefore: 5,
  answersInWindow: false,
  changeRatio: 0,
  lostConnectionRatio: 0,
  awaySeconds: { min: 0, max: 0 },
  submits: { within: 1 },
  earlyRatio: 0,
  submitTwiceRatio: 0.25,
  preparedPerSecond: 12,
  profiles: {
    smoke: { students: 40, seconds: 8, questions: 10, graceSeconds: 15, thinkSeconds: { min: 0, max: 0 } },
    'exam-day': {
      students: 400,
      seconds: 600,
      questions: 60,
      graceSeconds: 90,
      thinkSeconds: { min: 0, max: 0 },
    },
  },
};
