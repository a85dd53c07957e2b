import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { sandboxStudents } from '../seed.ts';

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
  /** false: without the event that says the same */
  readonly logged?: boolean;
}

interface MasteryRun {
  readonly sessionId: string | null;
  readonly userId: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly minutesAgo: number;
}

/** A statement that takes back what records did to rows or rules of others. */
export interface Undo {
  readonly text: string;
  readonly values: readonly unknown[];
}

type Choice = 'right' | 'wrong' | null;

/**
 * Writes records as the platform would write them, so that a plant says only what is special about them. They belong to
 * the last of the seeded students: load runs act as the first.
 */
export function examRecords(client: Pick<pg.ClientBase, 'query'>, students: number) {
  const people = sandboxStudents(students).reverse();
  const sessions: string[] = [];
  const masteryRuns: string[] = [];
  const undo: Undo[] = [];

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
    const userId = people[sessions.length % people.length]?.id ?? '';
    const id = randomUUID();
    sessions.push(id);
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

    /** Numbered events of the student's browser. */
    async telemetry({ id, userId }: SessionRecord, numbers: readonly number[]): Promise<void> {
      await client.query(
        `INSERT INTO attempt_events (id, event_type, session_id, user_id, source, seq)
         SELECT gen_random_uuid(), 'NAVIGATION', $1, $2, 'web', number FROM unnest($3::int[]) AS number`,
        [id, userId, numbers],
      );
    },

    sql: (text: string, values: readonly unknown[] = []) => client.query(text, [...values]),

    /** A run of the algorithm that computes how well a student masters the themes. */
    async mastery({ sessionId, userId, status, minutesAgo }: MasteryRun): Promise<void> {
      const id = randomUUID();
      masteryRuns.push(id);
      await client.query(
        `INSERT INTO algo_runs (id, algo_version_id, params_id, user_id, session_id, status, started_at)
         SELECT $1, algo_version_id, id, $2, $3, $4, now() - $5 * interval '1 minute' FROM algo_params LIMIT 1`,
        [id, userId, sessionId, status, minutesAgo],
      );
    },

    /** For what is done with `sql` to others than the records made here. */
    undoneBy(text: string, values: readonly unknown[] = []): void {
      undo.push({ text, values });
    },

    /** Statements that take all of it away again, past the rules. */
    undo: (): Undo[] => [
      ...undo.toReversed(),
      { text: 'DELETE FROM algo_runs WHERE id = ANY ($1::uuid[])', values: [masteryRuns] },
      ...['attempt_events', 'session_answers', 'session_questions'].map((table) => ({
        text: `DELETE FROM ${table} WHERE session_id = ANY ($1::uuid[])`,
        values: [sessions],
      })),
      { text: 'DELETE FROM test_sessions WHERE id = ANY ($1::uuid[])', values: [sessions] },
    ],
  };
}

export type ExamRecords = ReturnType<typeof examRecords>;

export function selectedIndex(record: SessionRecord, question: number, choice: Choice): number | null {
  const correct = record.questions[question]?.correct ?? 0;
  if (choice === null) return null;
  return choice === 'right' ? correct : (correct + 1) % 5;
}
