import { type ExamRecords, selectedIndex } from './exam-records.ts';

/** Everything that looks odd and is right; no check may say anything about it for the next hour. */
export async function plantNearMisses(records: ExamRecords): Promise<void> {
  const { session, event, acknowledged, answer, submitted, telemetry, mastery, sql, undoneBy } = records;
  const second = 1 / 60;

  const blanks = await session({ status: 'SUBMITTED', score: [1, 4, 25] });
  await answer(blanks, 0, 'right');
  await answer(blanks, 1, 'wrong');
  await acknowledged(blanks, 2, 3, 31);
  await answer(blanks, 2, null);
  await submitted(blanks, 1, 4, 25);
  await submitted(blanks, 1, 4, '25.00', 9);
  await event(
    blanks,
    'SESSION_SUBMITTED',
    { score_correct: 4, score_total: 4, score_pct: 100 },
    { source: 'web' },
  );
  await event(blanks, 'SESSION_REVIEW_VIEWED', {}, { minutesAgo: 8 });
  await telemetry(blanks, [5, 7, 6]);

  const inProgress = await session();
  await acknowledged(inProgress, 0, selectedIndex(inProgress, 0, 'wrong'), 31);
  await answer(inProgress, 0, 'right');
  // Two writes within a second, logged in another order than stored.
  await answer(inProgress, 1, 'right');
  await acknowledged(inProgress, 1, selectedIndex(inProgress, 1, 'wrong'), 30 - 0.5 * second);
  await session({ status: 'EXPIRED', endedMinutesAgo: 10 });
  await session({ endedMinutesAgo: null, startedMinutesAgo: 50_000 });

  const offline = await session({
    mode: 'TUTOR',
    status: 'SUBMITTED',
    questions: 0,
    totalQuestions: 1,
    score: [2, 3, 66.67],
    submittedMinutesAgo: 40,
  });
  for (const question of [0, 1]) await answer(offline, question, 'right', { logged: false });
  await answer(offline, 2, 'wrong', { logged: false });

  const justInTime = await session({
    status: 'SUBMITTED',
    endedMinutesAgo: 10.5,
    submittedMinutesAgo: 10,
    score: [1, 4, 25],
  });
  await answer(justInTime, 0, 'right', { minutesAgo: 10 - 0.5 * second });
  await submitted(justInTime, 1, 4, 25);

  const editedLater = await session({ frozenBy: 'version' });
  await answer(editedLater, 0, 'right');
  const [edited] = editedLater.questions;
  await sql('UPDATE questions SET correct_index = ($2::int + 1) % 5 WHERE id = $1', [
    edited?.id,
    edited?.correct,
  ]);
  undoneBy('UPDATE questions SET correct_index = $2 WHERE id = $1', [edited?.id, edited?.correct]);

  await mastery({ sessionId: blanks.id, userId: blanks.userId, status: 'SUCCESS', minutesAgo: 5 });
  await mastery({
    sessionId: blanks.id,
    userId: blanks.userId,
    status: 'SUCCESS',
    minutesAgo: 5 - 6 * second,
  });
  await mastery({ sessionId: null, userId: blanks.userId, status: 'FAILED', minutesAgo: 5 });
  await mastery({ sessionId: null, userId: blanks.userId, status: 'SUCCESS', minutesAgo: 5 });
}

/** Right only for the next half minute. */
export async function plantFreshNearMisses({ session, acknowledged, answer }: ExamRecords): Promise<void> {
  const second = 1 / 60;
  await session({ endedMinutesAgo: 10 * second });
  // The row is committed and its event is on the way.
  const inProgress = await session();
  await answer(inProgress, 0, 'right', { minutesAgo: 2 * second, logged: false });
  await acknowledged(inProgress, 1, selectedIndex(inProgress, 1, 'wrong'), 20);
  await answer(inProgress, 1, 'right', { minutesAgo: 1 * second, logged: false });
}
