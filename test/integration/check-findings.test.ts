import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckResult } from '../../src/checks/check-run.ts';
import { scopeOf } from '../../src/checks/windows.ts';
import { type CheckDatabase, startCheckDatabase } from './check-database.ts';
import { addFreshNearMisses, type ExamRecords, mastery, selectedIndex } from './check-records.ts';

interface Plant {
  readonly check: string;
  readonly what: string;
  readonly findings: number;
  readonly outcome: 'fail' | 'warn';
  readonly plant: (records: ExamRecords) => Promise<unknown>;
}

const plants: readonly Plant[] = [
  {
    check: 'announced-scores',
    what: 'a submit that announced another score than is stored',
    findings: 1,
    outcome: 'fail',
    async plant({ session, answer, submitted }) {
      const record = await session({ status: 'SUBMITTED', score: [1, 4, 25] });
      await answer(record, 0, 'right');
      await submitted(record, 2, 4, 50);
    },
  },
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
    check: 'constraints-valid',
    what: 'a foreign key that was never validated',
    findings: 1,
    outcome: 'fail',
    plant: async ({ sql }) => {
      await sql('ALTER TABLE session_answers DROP CONSTRAINT session_answers_session_id_fkey');
      await sql(
        'ALTER TABLE session_answers ADD FOREIGN KEY (session_id) REFERENCES test_sessions NOT VALID',
      );
    },
  },
  {
    check: 'constraints-valid',
    what: 'a foreign key that is missing',
    findings: 1,
    outcome: 'fail',
    plant: ({ sql }) => sql('ALTER TABLE attempt_events DROP CONSTRAINT attempt_events_user_id_fkey'),
  },
  {
    check: 'constraints-valid',
    what: 'the triggers of both foreign keys of a table disabled',
    findings: 2,
    outcome: 'fail',
    plant: ({ sql }) => sql('ALTER TABLE session_answers DISABLE TRIGGER ALL'),
  },
  {
    check: 'constraints-valid',
    what: 'an append-only trigger disabled and the other one dropped',
    findings: 2,
    outcome: 'fail',
    plant: async ({ sql }) => {
      await sql('ALTER TABLE attempt_events DISABLE TRIGGER trg_attempt_events_no_update');
      await sql('DROP TRIGGER trg_attempt_events_no_delete ON attempt_events');
    },
  },
  {
    check: 'constraints-valid',
    what: 'the unique constraint of answers and the range of choices dropped',
    findings: 2,
    outcome: 'fail',
    plant: ({ sql }) =>
      sql(
        'ALTER TABLE session_answers DROP CONSTRAINT uq_session_answer, DROP CONSTRAINT chk_session_answers_selected_index',
      ),
  },
  {
    check: 'contradictory-submits',
    what: 'a second submit with another score, and one with another percentage',
    findings: 2,
    outcome: 'fail',
    async plant({ session, answer, submitted }) {
      for (const second of [[2, 50] as const, [1, 26] as const]) {
        const record = await session({ status: 'SUBMITTED', score: [1, 4, 25] });
        await answer(record, 0, 'right');
        await submitted(record, 1, 4, 25);
        await submitted(record, second[0], 4, second[1], 9);
      }
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
    findings: 5,
    outcome: 'fail',
    async plant({ session, answer }) {
      await session({ status: 'EXPIRED', submittedMinutesAgo: null });
      await session({ submittedMinutesAgo: 10 });
      await session({ score: [0, null, null] });
      await session({ status: 'EXPIRED', submittedMinutesAgo: 61 });
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
    check: 'lost-submits',
    what: 'an acknowledged submit whose session still runs',
    findings: 1,
    outcome: 'fail',
    async plant({ session, submitted }) {
      await submitted(await session(), 0, 4, 0);
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
    check: 'orphaned-events',
    what: 'an event of a session that is gone, and one of a user that is gone',
    findings: 2,
    outcome: 'fail',
    async plant({ session, event, pastTheRules }) {
      const gone = await session();
      await event(gone, 'SESSION_CREATED', {});
      await pastTheRules('DELETE FROM test_sessions WHERE id = $1', [gone.id]);
      const other = await session();
      await event(other, 'SESSION_CREATED', {});
      await pastTheRules('UPDATE attempt_events SET user_id = gen_random_uuid() WHERE session_id = $1', [
        other.id,
      ]);
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
    check: 'event-gaps',
    what: 'a number that is missing, and one that came twice',
    findings: 2,
    outcome: 'warn',
    async plant({ session, sql }) {
      const telemetry = async (seqs: readonly number[]) => {
        const { id, userId } = await session();
        for (const seq of seqs) {
          await sql(
            `INSERT INTO attempt_events (id, event_type, session_id, user_id, source, seq)
             VALUES (gen_random_uuid(), 'NAVIGATION', $1, $2, 'web', $3)`,
            [id, userId, seq],
          );
        }
      };
      await telemetry([1, 2, 4]);
      await telemetry([1, 2, 2, 3]);
      await telemetry([1, 2, 3]);
    },
  },
  {
    check: 'repeated-mastery-runs',
    what: 'a mastery run that was started again after three seconds',
    findings: 1,
    outcome: 'warn',
    async plant(records) {
      const { id: sessionId, userId } = await records.session();
      await mastery(records, { sessionId, userId, status: 'SUCCESS', minutesAgo: 3 });
      await mastery(records, { sessionId, userId, status: 'SUCCESS', minutesAgo: 3 - 3 / 60 });
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
    check: 'unscored-sessions',
    what: 'a submitted exam without a percentage, and an expired one without any score',
    findings: 2,
    outcome: 'fail',
    async plant({ session, submitted }) {
      await submitted(await session({ status: 'SUBMITTED', score: [0, 4, null] }), 0, 4, 0);
      await session({ status: 'EXPIRED', score: [null, null, null] });
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

describe('the checks of exam-platform', () => {
  let database: CheckDatabase;
  beforeAll(async () => {
    database = await startCheckDatabase();
  });
  afterAll(() => database.stop());

  it('say nothing about data that only looks odd', async () => {
    const { outcomes, summary } = await database.run(database.url);

    expect(outcomes.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
    expect(summary).toMatchObject({
      sessions: 7,
      exam_sessions: 6,
      in_progress: 3,
      submitted: 3,
      expired: 1,
      students: 7,
      questions: 24,
      answers: 10,
      cleared_answers: 1,
      submits: 3,
      repeated_submits: 1,
    });
  });

  it('say nothing about writes that are being made at this moment', async () => {
    const { outcomes } = await database.run(await database.copy(addFreshNearMisses));

    expect(outcomes.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
  });

  it('each have a plant that makes them speak', () => {
    const planted = new Set(plants.map(({ check }) => check));
    const silent = database.checks.filter(({ id, severity }) => severity !== 'info' && !planted.has(id));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  it.each(plants)(
    '$check finds $what, and no other check speaks; alone, or in one statement with others',
    async ({ check, findings, outcome, plant }) => {
      const url = await database.copy(plant);

      const { outcomes } = await database.run(url);

      const alone = await database.run(url, { combine: false });
      const asSeen = (results: readonly CheckResult[]) =>
        results.map(({ durationMs: _, ...result }) => result);
      expect(asSeen(alone.outcomes)).toEqual(asSeen(outcomes));

      const speaking = outcomes.filter((result) => result.outcome !== 'pass');
      expect(speaking.map(({ id, samples }) => ({ id, samples }))).toEqual([
        { id: check, samples: expect.anything() },
      ]);
      expect(speaking[0]).toMatchObject({ outcome, findings });
      expect(speaking[0]?.samples).toHaveLength(findings);
    },
  );

  it.each(
    plants.filter(({ check }) => check !== 'constraints-valid' && check !== 'answers-to-missing-questions'),
  )('$check leaves out what was before the window', async ({ check, plant }) => {
    const url = await database.copy(plant);

    const { outcomes } = await database.run(url, {
      scope: scopeOf({ since: new Date() }, database.catalogue.windows),
      only: [check],
    });

    expect(outcomes).toMatchObject([{ id: check, findings: 0 }]);
  });
});
