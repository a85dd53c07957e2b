import type { Scenario } from '../scenario.ts';

export const examDay: Scenario = {
  id: 'exam-day',
  title: 'a whole exam',
  description:
    'students arrive, think, answer, change answers, lose their connection and come back, submit early or in the spike at the end, some of them twice',
  arrives: { within: 0.15 },
  answersBefore: 0,
  answersInWindow: true,
  changeRatio: 0.15,
  lostConnectionRatio: 0.02,
  awaySeconds: { min: 1, max: 20 },
  submits: { within: 0.1 },
  earlyRatio: 0.3,
  submitTwiceRatio: 0.25,
  preparedPerSecond: 50,
  profiles: {
    smoke: {
      students: 40,
      seconds: 40,
      questions: 20,
      graceSeconds: 20,
      thinkSeconds: { min: 0.5, max: 2.5 },
    },
    'exam-day': {
      students: 400,
      seconds: 2700,
      questions: 60,
      graceSeconds: 90,
      thinkSeconds: { min: 15, max: 45 },
    },
  },
};
