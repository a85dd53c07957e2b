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
-- cost: scan; one pass over session_answers, once for all checks of verdicts and scores
-- window: sessions
-- occurred: submitted_at
-- suite: core
-- note: No score at all is unscored-sessions. Offline sync (TUTOR sessions without questions) has totals of its own.
SELECT
  s.session_id, s.user_id, j.cause, s.score_correct, s.score_total, s.score_pct, s.total_questions, s.correct_answers,
  (
    SELECT max(greatest(updated_at, answered_at, created_at)) FROM session_answers WHERE session_id = s.session_id
  ) AS last_answer_at,
  s.submitted_at
FROM doubtful_sessions s
CROSS JOIN LATERAL (
  SELECT
    concat_ws(
      '; ',
      CASE WHEN s.score_total <> s.total_questions THEN 'score_total is not total_questions' END,
      CASE WHEN s.score_correct < 0 OR s.score_correct > s.score_total THEN 'score_correct is out of range' END,
      CASE WHEN s.score_correct <> s.correct_answers THEN 'score_correct is not the number of correct answers' END,
      CASE
        WHEN abs(s.score_pct - coalesce(round(100.0 * s.score_correct / nullif(s.score_total, 0), 2), 0)) > 0.01
          THEN 'score_pct does not fit score_correct and score_total'
      END
    ) AS cause
) j
WHERE s.status IN ('SUBMITTED', 'EXPIRED') AND j.cause <> ''
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.session_id LIMIT 1) IS NOT NULL
  )
