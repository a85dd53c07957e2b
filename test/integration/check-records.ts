import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { sandboxStudents } from '../../src/sandbox/seed.ts';

export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  readonly questions: readonly { readonly id: string; readonly correct: number }[];
}

interface SessionOptions {
  readonly mode?: 'EXAM' | 'TUTOR';
  readonly status?: 'ACTIVE' | 'SUBMITTED' | 'EXPIRED';
  readonly startedMinutesAgo?: number;
  /** of the end; negative: in the future; null: untimed */
  readonly endedMinutesAgo?: number | null;
  readonly submittedMinutesAgo?: number | null;
  readonly score?: readonly [correct: number | null, total: number | null, pct: number | null];
  readonly totalQuestions?: number;
  readonly questions?: number;
  readonly frozenBy?: 'snapshot' | 'version';
}

interface AnswerOptions {
  readonly minutesAgo?: number;
  /** the event that says the same; `none` leaves the row alone */
  readonly logged?: boolean;
}

type Choice = 'right' | 'wrong' | null;

/** Writes records as the platform would write them, so that a test says only what is special about them. */
export function examRecords(client: pg.Client) {
  let student = 0;

  const session = async ({
    mode = 'EXAM',
    status = 'ACTIVE',
    startedMinutesAgo = 60,
    endedMinutesAgo = -60,
    submittedMinutesAgo = status === 'ACTIVE' ? null : 10,
    score = status === 'ACTIVE' ? [null, null, null] : [0, 4, 0],
    questions = 4,
    totalQuestions = 4,
    frozenBy = 'snapshot',
  }: SessionOptions = {}): Promise<SessionRecord> => {
    student += 1;
    const userId = sandboxStudents(student)[student - 1]?.id ?? '';
    const id = randomUUID();
    await client.query(
      `INSERT INTO test_sessions (id, user_id, mode, status, year, blocks_json, total_questions, started_at, expires_at,
         submitted_at, score_correct, score_total, score_pct)
       VALUES ($1, $2, $3, $4, 1, '["A"]', $5, now() - $6 * interval '1 minute', now() - $7 * interval '1 minute',
         now() - $8 * interval '1 minute', $9, $10, $11)`,
      [
        id,
        userId,
        mode,
        status,
        totalQuestions,
        startedMinutesAgo,
        endedMinutesAgo,
        submittedMinutesAgo,
        ...score,
      ],
    );
    const { rows } = await client.query<{ id: string; correct: number }>(
      `SELECT q.id, (v.snapshot ->> 'correct_index')::int AS correct
       FROM questions q JOIN question_versions v ON v.question_id = q.id
       ORDER BY q.external_id LIMIT $1`,
      [Math.max(questions, 4)],
    );
    await client.query(
      `INSERT INTO session_questions (id, session_id, position, question_id, question_version_id, snapshot_json)
       SELECT gen_random_uuid(), $1, place, question, v.id, CASE WHEN $3 THEN v.snapshot END
       FROM unnest($2::uuid[]) WITH ORDINALITY AS q(question, place)
       JOIN question_versions v ON v.question_id = q.question`,
      [id, rows.slice(0, questions).map((row) => row.id), frozenBy === 'snapshot'],
    );
    return { id, userId, questions: rows };
  };

  const event = async (
    { id, userId }: SessionRecord,
    type: string,
    payload: object,
    { minutesAgo = 30, source = 'api' }: { minutesAgo?: number; source?: string } = {},
  ): Promise<void> => {
    await client.query(
      `INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json)
       VALUES ($1, $2, now() - $3 * interval '1 minute', $4, $5, $6, $7)`,
      [randomUUID(), type, minutesAgo, id, userId, source, JSON.stringify(payload)],
    );
  };

  const acknowledged = (record: SessionRecord, question: number, selected: number | null, minutesAgo = 30) =>
    event(
      record,
      'ANSWER_SUBMITTED',
      {
        question_id: record.questions[question]?.id,
        selected_index: selected,
        changed_count: 0,
        marked_for_review: false,
      },
      { minutesAgo },
    );

  return {
    session,
    event,
    acknowledged,

    async answer(
      record: SessionRecord,
      question: number,
      choice: Choice,
      { minutesAgo = 30, logged = true }: AnswerOptions = {},
    ): Promise<void> {
      const selected = selectedIndex(record, question, choice);
      await client.query(
        `INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at, created_at)
         VALUES ($1, $2, $3, $4, $5, now() - $6 * interval '1 minute', now() - $6 * interval '1 minute')`,
        [
          randomUUID(),
          record.id,
          record.questions[question]?.id,
          selected,
          choice === null ? null : choice === 'right',
          minutesAgo,
        ],
      );
      if (logged) await acknowledged(record, question, selected, minutesAgo);
    },

    submitted: (
      record: SessionRecord,
      correct: number,
      total: number,
      pct: number | string,
      minutesAgo = 10,
    ) =>
      event(
        record,
        'SESSION_SUBMITTED',
        { score_correct: correct, score_total: total, score_pct: pct },
        { minutesAgo },
      ),

    /** As after a restore, or by a superuser who switched the rules off. */
    async pastTheRules(text: string, values: readonly unknown[] = []): Promise<void> {
      await client.query('SET session_replication_role = replica');
      await client.query(text, [...values]);
      await client.query('SET session_replication_role = origin');
    },

    sql: (text: string, values: readonly unknown[] = []) => client.query(text, [...values]),
  };
}

export type ExamRecords = ReturnType<typeof examRecords>;

export function selectedIndex(record: SessionRecord, question: number, choice: Choice): number | null {
  const correct = record.questions[question]?.correct ?? 0;
  if (choice === null) return null;
  return choice === 'right' ? correct : (correct + 1) % 5;
}

/** Everything that looks odd and is right; no check may say anything about it. */
export async function addNearMisses(records: ExamRecords): Promise<void> {
  const { session, event, acknowledged, answer, submitted, sql } = records;
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
  await sql('UPDATE questions SET correct_index = (correct_index + 1) % 5 WHERE id = $1', [
    editedLater.questions[0]?.id,
  ]);

  await mastery(records, { sessionId: blanks.id, userId: blanks.userId, status: 'SUCCESS', minutesAgo: 5 });
  await mastery(records, { sessionId: null, userId: blanks.userId, status: 'FAILED', minutesAgo: 5 });
  await mastery(records, { sessionId: null, userId: blanks.userId, status: 'SUCCESS', minutesAgo: 5 });
}

/** Right only for the next half minute. */
export async function addFreshNearMisses({ session, acknowledged, answer }: ExamRecords): Promise<void> {
  const second = 1 / 60;
  await session({ endedMinutesAgo: 10 * second });
  // The row is committed and its event is on the way.
  const inProgress = await session();
  await answer(inProgress, 0, 'right', { minutesAgo: 2 * second, logged: false });
  await acknowledged(inProgress, 1, selectedIndex(inProgress, 1, 'wrong'), 20);
  await answer(inProgress, 1, 'right', { minutesAgo: 1 * second, logged: false });
}

interface MasteryRun {
  readonly sessionId: string | null;
  readonly userId: string;
  readonly status: string;
  readonly minutesAgo: number;
}

export async function mastery({ sql }: ExamRecords, { sessionId, userId, status, minutesAgo }: MasteryRun) {
  await sql(
    `INSERT INTO algo_runs (algo_version_id, params_id, user_id, session_id, status, started_at)
     SELECT algo_version_id, id, $1, $2, $3, now() - $4 * interval '1 minute' FROM algo_params LIMIT 1`,
    [userId, sessionId, status, minutesAgo],
  );
}
