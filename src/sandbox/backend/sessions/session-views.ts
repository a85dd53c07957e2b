import type { Database } from '../database.ts';
import type { AnswerRow } from './answer-question.ts';
import type { SessionRow } from './session-rows.ts';

interface Snapshot {
  readonly stem: string;
  readonly option_a: string;
  readonly option_b: string;
  readonly option_c: string;
  readonly option_d: string;
  readonly option_e: string;
  readonly correct_index: number;
  readonly explanation_md: string | null;
  readonly year_id: number;
  readonly block_id: number;
  readonly theme_id: number;
}

export interface QuestionRow {
  readonly position: number;
  readonly question_id: string;
  readonly snapshot: Snapshot | null;
  readonly selected_index: number | null;
  readonly is_correct: boolean | null;
  readonly answered_at: Date | null;
  readonly changed_count: number | null;
  readonly marked_for_review: boolean | null;
}

const allOfThem = { from: 1, count: 200 };

export function questionsOf(
  database: Database,
  sessionId: string,
  { from, count } = allOfThem,
): Promise<QuestionRow[]> {
  return database.query<QuestionRow>(
    `SELECT question.position, question.question_id, coalesce(question.snapshot_json, version.snapshot) AS snapshot,
            answer.selected_index, answer.is_correct, answer.answered_at, answer.changed_count, answer.marked_for_review
       FROM session_questions question
       LEFT JOIN question_versions version ON version.id = question.question_version_id
       LEFT JOIN session_answers answer
         ON answer.session_id = question.session_id AND answer.question_id = question.question_id
      WHERE question.session_id = $1 AND question.position >= $2 AND question.position < $2 + $3::int
      ORDER BY question.position`,
    [sessionId, from, count],
  );
}

/** Without what gives the answer away. */
export function openQuestion({ position, question_id, snapshot }: QuestionRow) {
  const { stem, option_a, option_b, option_c, option_d, option_e, year_id, block_id, theme_id } =
    snapshot ?? {};
  return {
    question_id,
    position,
    stem,
    option_a,
    option_b,
    option_c,
    option_d,
    option_e,
    year_id,
    block_id,
    theme_id,
  };
}

export function questionStatus({ position, question_id, selected_index, marked_for_review }: QuestionRow) {
  return {
    position,
    question_id,
    has_answer: selected_index !== null,
    marked_for_review: marked_for_review ?? false,
  };
}

export function reviewItem(row: QuestionRow) {
  const { question_id, position, snapshot, selected_index, is_correct, answered_at, changed_count } = row;
  const { correct_index = null, explanation_md = null } = snapshot ?? {};
  const marked_for_review = row.marked_for_review ?? false;
  return {
    question: { ...openQuestion(row), correct_index, explanation_md },
    answer: {
      question_id,
      position,
      selected_index,
      is_correct,
      answered_at,
      changed_count,
      marked_for_review,
    },
  };
}

export function answerState({ selected_index, marked_for_review, changed_count, answered_at }: AnswerRow) {
  return { selected_index, marked_for_review, changed_count, answered_at };
}

export function result({ id, status, score_correct, score_total, score_pct, submitted_at }: SessionRow) {
  return { session_id: id, status, score_correct, score_total, score_pct, submitted_at };
}

/** The thin variants tell the time without its zone. */
export function serverNow(): string {
  return new Date().toISOString().slice(0, -1);
}
