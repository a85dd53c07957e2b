import type { Scenario } from '../scenario.ts';

export const answers: Scenario = {
  id: 'answers',
  title: 'an exam is under way',
  description:
    'each virtual student has a session and answers its questions with think time, changing some answers',
  arrives: 'before',
  answersBefore: 0,
  answersInWindow: true,
  changeRatio: 0.15,
  lostConnectionRatio: 0,
  awaySeconds: { min: 0, max: 0 },
  submits: 'after',
  earlyRatio: 0,
  submitTwiceRatio: 0,
  preparedPerSecond: 20,
  profiles: {
    smoke: {
      students: 30,
      seconds: 20,
      questions: 20,
      graceSeconds: 15,
      thinkSeconds: { min: 0.5, max: 1.5 },
    },
    'exam-day': {
      students: 300,
      seconds: 1800,
      questions: 60,
      graceSeconds: 90,
      thinkSeconds: { min: 15, max: 45 },
    },
  },
};
