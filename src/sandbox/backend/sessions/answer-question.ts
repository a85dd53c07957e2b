import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { messageOf } from '../../../lifecycle/errors.ts';
import type { DefectId } from '../../defects.ts';
import type { Backend } from '../backend.ts';
import type { Database, Queryable } from '../database.ts';
import { plainError } from '../errors.ts';
import { recordPlanted } from '../planted-losses.ts';
import type { User } from '../users.ts';
import { recordEvent } from './attempt-events.ts';
import { type Progress, progressOf } from './progress.ts';
import { belongsTo, endSession, type SessionStatus } from './session-rows.ts';

export const answerRequest = z.object({
  question_id: z.guid(),
  selected_index: z.int().min(0).max(4).nullable(),
  marked_for_review: z.boolean().nullish(),
  index: z.int().nullish(),
  client_event_id: z.string().nullish(),
});

export type AnswerRequest = z.infer<typeof answerRequest>;

export interface AnswerRow {
  readonly id: string;
  readonly session_id: string;
  readonly question_id: string;
  readonly selected_index: number | null;
  readonly is_correct: boolean | null;
  readonly answered_at: Date | null;
  readonly changed_count: number;
  readonly marked_for_review: boolean;
  readonly created_at: Date;
  readonly updated_at: Date | null;
}

interface Target {
  readonly user_id: string;
  readonly status: SessionStatus;
  readonly overdue: boolean | null;
  readonly in_session: boolean;
  readonly correct_index: number | null;
  readonly answer_id: string | null;
  readonly answer_selected_index: number | null;
  readonly answer_changed_count: number | null;
}

interface NewValues {
  readonly selectedIndex: number | null;
  readonly isCorrect: boolean | null;
  readonly markedForReview: boolean | null;
}

/** What an answer takes longer while the defect slow-queries is on, */
const slowSeconds = 0.7;
/** so many at a time in this worker: it is not to exhaust the pool, which is another defect */
const slowAtOnce = 10;
let slowNow = 0;

/** The row is committed first, its event in a second transaction. */
export async function answerQuestion(
  backend: Backend,
  request: FastifyRequest,
  user: User,
  sessionId: string,
  given: AnswerRequest,
): Promise<{ answer: AnswerRow; progress: Progress }> {
  const { database } = request;
  const { defects } = backend;
  const target = belongsTo(await database.one<Target>(findTarget, [sessionId, given.question_id]), user);
  if (target.overdue === true) await endSession(database, sessionId, 'EXPIRED');
  if (target.status !== 'ACTIVE' || target.overdue === true) throw plainError(400, 'Session is not active');
  if (!target.in_session) throw plainError(404, 'Question not in session');

  const values = valuesOf(target, given.selected_index, given.marked_for_review ?? null);
  if (defects.isOn('slow-queries')) await sleepInQuery(database);
  const store = async (to: Queryable, wanted = values) => {
    const answer = await storeAnswer(to, sessionId, given.question_id, target, wanted);
    return { answer, progress: await progressOf(to, sessionId) };
  };
  const log = async ({ answer }: Stored) => {
    if (defects.isOn('missing-audit-trail')) return;
    const payload = eventPayload(answer, given);
    await recordEvent(database, { type: 'ANSWER_SUBMITTED', sessionId, userId: user.id, payload });
  };
  const withoutCommit = () =>
    database.transaction(async (transaction) => ({ value: await store(transaction), commit: false }));
  if (defects.isOn('early-acknowledgement'))
    return acknowledgeEarly(backend, await withoutCommit(), store, log);
  const stored = await loseSome(backend, { database, target, values, store, withoutCommit });
  await log(stored);
  return stored;
}

interface Stored {
  readonly answer: AnswerRow;
  readonly progress: Progress;
}

interface Storing {
  readonly database: Database;
  readonly target: Target;
  readonly values: NewValues;
  readonly store: (to: Queryable, wanted?: NewValues) => Promise<Stored>;
  readonly withoutCommit: () => Promise<Stored>;
}

/** What is stored is what the student is told, unless a defect is on. */
async function loseSome({ config, defects }: Backend, storing: Storing): Promise<Stored> {
  const { database, target, values, store, withoutCommit } = storing;
  const planted = (defect: DefectId, stored: Stored) => {
    recordPlanted(config.folder, defect, stored.answer);
    return stored;
  };
  if (defects.strikes('lost-answers', 1, 50)) return planted('lost-answers', await withoutCommit());
  const { selectedIndex } = values;
  if (selectedIndex !== null && defects.strikes('wrong-option', 1, 50)) {
    const other = (selectedIndex + 1) % 5;
    const { answer, progress } = await store(database, valuesOf(target, other));
    const told = { ...answer, selected_index: selectedIndex };
    return planted('wrong-option', { answer: told, progress });
  }
  const before = target.answer_selected_index;
  if (before !== null && before !== selectedIndex && defects.strikes('lost-update', 1, 10)) {
    const stored = await store(database);
    await store(database, valuesOf(target, before));
    return planted('lost-update', stored);
  }
  return store(database);
}

const acknowledgedBeforeMs = 500;

/** The student is told at once; the commit comes later, if this worker lives. */
function acknowledgeEarly(
  { uncounted, config }: Backend,
  told: Stored,
  store: Storing['store'],
  log: (stored: Stored) => Promise<void>,
): Stored {
  recordPlanted(config.folder, 'early-acknowledgement', told.answer);
  setTimeout(() => {
    store(uncounted)
      .then(async (stored) => {
        recordPlanted(config.folder, 'early-acknowledgement', told.answer, 'kept');
        await log(stored);
      })
      .catch((error) =>
        process.stderr.write(`an answer was acknowledged and not stored: ${messageOf(error)}\n`),
      );
  }, acknowledgedBeforeMs);
  return told;
}

function valuesOf(
  target: Target,
  selectedIndex: number | null,
  markedForReview: boolean | null = null,
): NewValues {
  const isCorrect = selectedIndex === null ? null : selectedIndex === target.correct_index;
  return { selectedIndex, isCorrect, markedForReview };
}

const findTarget = `
  SELECT session.user_id, session.status, session.expires_at <= now() AS overdue,
         question.id IS NOT NULL AS in_session,
         (coalesce(question.snapshot_json, version.snapshot) ->> 'correct_index')::int AS correct_index,
         answer.id AS answer_id, answer.selected_index AS answer_selected_index,
         answer.changed_count AS answer_changed_count
    FROM test_sessions session
    LEFT JOIN session_questions question ON question.session_id = session.id AND question.question_id = $2
    LEFT JOIN question_versions version ON version.id = question.question_version_id
    LEFT JOIN session_answers answer ON answer.session_id = session.id AND answer.question_id = $2
   WHERE session.id = $1`;

const answerColumns = `id, session_id, question_id, selected_index, is_correct, answered_at, changed_count,
  marked_for_review, created_at, updated_at`;

/**
 * changed_count is read before and written after, so it may count too few. Of two first answers that race, the later
 * one is dropped and gets the other's row, as on the platform.
 */
async function storeAnswer(
  database: Queryable,
  sessionId: string,
  questionId: string,
  target: Target,
  { selectedIndex, isCorrect, markedForReview }: NewValues,
): Promise<AnswerRow> {
  if (target.answer_id !== null) {
    const changed = target.answer_selected_index !== selectedIndex ? 1 : 0;
    const [updated] = await database.query<AnswerRow>(
      `UPDATE session_answers
          SET selected_index = $2, is_correct = $3, changed_count = $4, updated_at = now(),
              answered_at = CASE WHEN $2::smallint IS NULL THEN answered_at ELSE now() END,
              marked_for_review = coalesce($5, marked_for_review)
        WHERE id = $1 RETURNING ${answerColumns}`,
      [
        target.answer_id,
        selectedIndex,
        isCorrect,
        (target.answer_changed_count ?? 0) + changed,
        markedForReview,
      ],
    );
    if (updated !== undefined) return updated;
  }
  const [inserted] = await database.query<AnswerRow>(
    `INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at,
                                  marked_for_review, updated_at)
     VALUES ($1, $2, $3, $4, $5, CASE WHEN $4::smallint IS NULL THEN NULL ELSE now() END, coalesce($6, false), now())
     ON CONFLICT ON CONSTRAINT uq_session_answer DO NOTHING
     RETURNING ${answerColumns}`,
    [randomUUID(), sessionId, questionId, selectedIndex, isCorrect, markedForReview],
  );
  if (inserted !== undefined) return inserted;
  const [winner] = await database.query<AnswerRow>(
    `SELECT ${answerColumns} FROM session_answers WHERE session_id = $1 AND question_id = $2`,
    [sessionId, questionId],
  );
  if (winner === undefined)
    throw new Error(`answer to ${questionId} in ${sessionId} is neither new nor there`);
  return winner;
}

function eventPayload(answer: AnswerRow, { index, client_event_id }: AnswerRequest): Record<string, unknown> {
  return {
    question_id: answer.question_id,
    selected_index: answer.selected_index,
    changed_count: answer.changed_count,
    marked_for_review: answer.marked_for_review,
    ...(index == null ? {} : { index }),
    ...(client_event_id == null ? {} : { client_event_id }),
  };
}

async function sleepInQuery(database: Queryable): Promise<void> {
  if (slowNow >= slowAtOnce) return;
  slowNow += 1;
  try {
    await database.query('SELECT pg_sleep($1)', [slowSeconds]);
  } finally {
    slowNow -= 1;
  }
}
