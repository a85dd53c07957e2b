-- id: inconsistent-scores
-- title: each score follows from the answers
-- question: which scores differ from the number of questions, from a recount of the answers, or from their own percentage?
-- severity: critical
-- finding: the student's result is not what the stored answers give
-- remedy: recount the session; an answer written while the session was being submitted is the usual cause (compare last_answer_at with
--   submitted_at)
-- columns: session_id (the session), user_id (personal: the student), cause (what does not fit), score_correct (stored),
--   score_total (stored), score_pct (stored), total_questions (questions of the session), correct_answers (rows with
--   is_correct), last_answer_at (last write of an answer), submitted_at (end)
-- looks-at: sessions
-- cost: one pass over the answers; 0.5 s for 2 million answers
-- note: No score at all is unscored-sessions. Offline sync (TUTOR sessions without questions) has totals of its own.
WITH counted AS (
  SELECT
    session_id,
    (count(*) FILTER (WHERE is_correct))::int AS correct_answers,
    max(greatest(updated_at, answered_at, created_at)) AS last_answer_at
  FROM session_answers
  GROUP BY session_id
),
judged AS (
  SELECT
    s.*,
    coalesce(c.correct_answers, 0) AS correct_answers,
    c.last_answer_at,
    concat_ws(
      '; ',
      CASE WHEN s.score_total <> s.total_questions THEN 'score_total is not total_questions' END,
      CASE WHEN s.score_correct < 0 OR s.score_correct > s.score_total THEN 'score_correct is out of range' END,
      CASE
        WHEN s.score_correct <> coalesce(c.correct_answers, 0) THEN 'score_correct is not the number of correct answers'
      END,
      CASE
        WHEN abs(s.score_pct - coalesce(round(100.0 * s.score_correct / nullif(s.score_total, 0), 2), 0)) > 0.01
          THEN 'score_pct does not fit score_correct and score_total'
      END
    ) AS cause
  FROM test_sessions s
  LEFT JOIN counted c ON c.session_id = s.id
  WHERE s.status IN ('SUBMITTED', 'EXPIRED')
    AND ($1::timestamptz IS NULL OR s.started_at >= $1)
)
SELECT
  id AS session_id, user_id, cause, score_correct, score_total, score_pct, total_questions, correct_answers,
  last_answer_at, submitted_at
FROM judged j
WHERE cause <> ''
  AND NOT (
    mode = 'TUTOR' AND NOT EXISTS (SELECT FROM session_questions q WHERE q.session_id = j.id)
  )
