import type { Plant } from './plant.ts';

export const sessionPlants: readonly Plant[] = [
  {
    check: 'inconsistent-scores',
    what: 'a wrong total, a wrong percentage, a wrong count and a score above its total',
    findings: 4,
    outcome: 'fail',
    async plant({ session, answer }) {
      await session({ status: 'EXPIRED', score: [0, 5, 0] });
      await session({ status: 'EXPIRED', score: [0, 4, 1] });
      await answer(await session({ status: 'EXPIRED', score: [0, 4, 0] }), 0, 'right');
      await session({ status: 'EXPIRED', score: [5, 4, 125] });
    },
  },
  {
    check: 'inconsistent-status',
    what: 'each contradiction between status, times and score',
    findings: 4,
    outcome: 'fail',
    async plant({ session }) {
      await session({ status: 'EXPIRED', submittedMinutesAgo: null });
      await session({ submittedMinutesAgo: 10 });
      await session({ score: [0, null, null] });
      await session({ status: 'EXPIRED', submittedMinutesAgo: 61 });
    },
  },
  {
    check: 'answers-after-end',
    what: 'answers that were given after an exam had expired',
    findings: 1,
    outcome: 'fail',
    async plant({ session, answer }) {
      const answeredLater = await session({ status: 'EXPIRED', submittedMinutesAgo: 10, score: [1, 4, 25] });
      await answer(answeredLater, 0, 'right', { minutesAgo: 9 });
      await answer(answeredLater, 1, 'wrong', { minutesAgo: 8 });
    },
  },
  {
    check: 'late-submits',
    what: 'an exam handed in five minutes after its end',
    findings: 1,
    outcome: 'warn',
    async plant({ session, submitted }) {
      const record = await session({ status: 'SUBMITTED', endedMinutesAgo: 15, submittedMinutesAgo: 10 });
      await submitted(record, 0, 4, 0);
    },
  },
  {
    check: 'overdue-sessions',
    what: 'a session that runs five minutes after its end',
    findings: 1,
    outcome: 'warn',
    plant: ({ session }) => session({ endedMinutesAgo: 5 }),
  },
  {
    check: 'question-count',
    what: 'an exam with a question too few, and one without any',
    findings: 2,
    outcome: 'fail',
    async plant({ session }) {
      await session({ questions: 3, totalQuestions: 4 });
      await session({ questions: 0, totalQuestions: 4 });
    },
  },
  {
    check: 'unfrozen-questions',
    what: 'a question with neither snapshot nor version',
    findings: 1,
    outcome: 'warn',
    async plant({ session, sql }) {
      await sql(
        'UPDATE session_questions SET snapshot_json = NULL, question_version_id = NULL WHERE session_id = $1 AND position = 1',
        [(await session()).id],
      );
    },
  },
  {
    check: 'unscored-sessions',
    what: 'a submitted exam without a percentage, and an expired one without any score',
    findings: 2,
    outcome: 'fail',
    async plant({ session, submitted }) {
      await submitted(await session({ status: 'SUBMITTED', score: [0, 4, null] }), 0, 4, 0);
      await session({ status: 'EXPIRED', score: [null, null, null] });
    },
  },
];
