import { selectedIndex } from './exam-records.ts';
import type { Plant } from './plant.ts';

export const answerPlants: readonly Plant[] = [
  {
    check: 'answer-not-in-session',
    what: 'an answer to a question that was not handed out',
    findings: 1,
    outcome: 'fail',
    async plant({ session, answer }) {
      await answer(await session({ questions: 3, totalQuestions: 3 }), 3, 'right');
    },
  },
  {
    check: 'answers-to-missing-questions',
    what: 'an answer to a question that is gone',
    findings: 1,
    outcome: 'fail',
    async plant({ session, answer, pastTheRules }) {
      const offline = await session({ mode: 'TUTOR', questions: 0, totalQuestions: 1 });
      await answer(offline, 0, 'right', { logged: false });
      await pastTheRules('UPDATE session_answers SET question_id = gen_random_uuid() WHERE session_id = $1', [
        offline.id,
      ]);
    },
  },
  {
    check: 'correctness-flag',
    what: 'a choice without a verdict, and a verdict without a choice',
    findings: 2,
    outcome: 'fail',
    async plant({ session, answer, sql }) {
      const record = await session();
      await answer(record, 0, 'right');
      await answer(record, 1, null);
      await sql(
        'UPDATE session_answers SET is_correct = CASE WHEN selected_index IS NULL THEN false END WHERE session_id = $1',
        [record.id],
      );
    },
  },
  {
    check: 'lost-answers',
    what: 'an answer that is absent, one that is older than acknowledged, and one that was cleared in vain',
    findings: 3,
    outcome: 'fail',
    async plant({ session, answer, acknowledged }) {
      const record = await session();
      await acknowledged(record, 0, 2);
      await answer(record, 1, 'right', { minutesAgo: 30 });
      await acknowledged(record, 1, selectedIndex(record, 1, 'wrong'), 29);
      await answer(record, 2, 'wrong', { minutesAgo: 30 });
      await acknowledged(record, 2, null, 29);
    },
  },
  {
    check: 'orphaned-answers',
    what: 'the answers of a session that is gone',
    findings: 2,
    outcome: 'fail',
    async plant({ session, answer, pastTheRules }) {
      const gone = await session();
      await answer(gone, 0, 'right', { logged: false });
      await answer(gone, 1, 'right', { logged: false });
      await pastTheRules('DELETE FROM test_sessions WHERE id = $1', [gone.id]);
    },
  },
  {
    check: 'unlogged-writes',
    what: 'an answer without an event, one that changed after its event, and a submit without one',
    findings: 3,
    outcome: 'warn',
    async plant({ session, answer, acknowledged }) {
      const record = await session({ status: 'SUBMITTED', score: [2, 4, 50] });
      await answer(record, 0, 'right', { logged: false });
      await acknowledged(record, 1, selectedIndex(record, 1, 'wrong'), 31);
      await answer(record, 1, 'right', { logged: false });
    },
  },
  {
    check: 'wrong-correctness',
    what: 'a verdict against the snapshot, and one against the version',
    findings: 2,
    outcome: 'fail',
    async plant({ session, answer, sql }) {
      for (const frozenBy of ['snapshot', 'version'] as const) {
        const record = await session({ frozenBy });
        await answer(record, 1, 'right');
        await sql('UPDATE session_answers SET is_correct = false WHERE session_id = $1', [record.id]);
      }
    },
  },
];
