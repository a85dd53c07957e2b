-- id: doubtful_sessions
-- title: the ended sessions that may contradict their answers, and the sessions of answers that do not exist
-- columns: session_id, user_id, mode, status (NULL when there is no such session), submitted_at, total_questions, score_correct,
--   score_total, score_pct, correct_answers, last_answered_at
-- cost: scan; one pass over session_answers itself
-- note: What can only be right is left out cheaply; checks work out the causes for the rest.
SELECT
  coalesce(s.id, a.session_id) AS session_id, s.user_id, s.mode, s.status, s.submitted_at,
  s.total_questions, s.score_correct, s.score_total, s.score_pct,
  coalesce(a.correct_answers, 0) AS correct_answers,
  a.last_answered_at
FROM test_sessions s
FULL JOIN judged_answers a ON a.session_id = s.id
WHERE s.status IS NULL
  OR (
    s.status <> 'ACTIVE'
    AND (
      s.score_correct <> coalesce(a.correct_answers, 0)
      OR s.score_total <> s.total_questions
      OR s.score_correct NOT BETWEEN 0 AND s.score_total
      OR s.score_total = 0
      OR abs(s.score_pct * s.score_total - 100 * s.score_correct) > 0.005 * s.score_total
      OR a.last_answered_at > s.submitted_at + interval '1 second'
    )
  )
