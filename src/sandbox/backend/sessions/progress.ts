import type { Queryable } from '../database.ts';

export interface Progress {
  readonly answered_count: number;
  readonly marked_for_review_count: number;
  /** the first question without an answer, or the last one */
  readonly current_position: number;
}

export async function progressOf(database: Queryable, sessionId: string): Promise<Progress> {
  const [progress] = await database.query<Progress>(
    `SELECT count(answer.selected_index)::int AS answered_count,
            count(*) FILTER (WHERE answer.marked_for_review)::int AS marked_for_review_count,
            coalesce(min(question.position) FILTER (WHERE answer.selected_index IS NULL), max(question.position), 1)
              AS current_position
       FROM session_questions question
       LEFT JOIN session_answers answer
         ON answer.session_id = question.session_id AND answer.question_id = question.question_id
      WHERE question.session_id = $1`,
    [sessionId],
  );
  return progress ?? { answered_count: 0, marked_for_review_count: 0, current_position: 1 };
}
