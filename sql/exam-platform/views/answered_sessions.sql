-- id: answered_sessions
-- title: each session beside the count of its answers
-- columns: session_id, is_there (false: answers without a session), user_id, mode, status, started_at, submitted_at,
--   total_questions, score_correct, score_total, score_pct, and those of answers_by_session (0 where there are none)
-- cost: scan; joins answers_by_session to the sessions once for all checks of answers
SELECT
  coalesce(s.id, c.session_id) AS session_id,
  s.id IS NOT NULL AS is_there,
  s.user_id, s.mode, s.status, s.started_at, s.submitted_at,
  s.total_questions, s.score_correct, s.score_total, s.score_pct,
  coalesce(c.answers, 0) AS answers,
  coalesce(c.chosen_answers, 0) AS chosen_answers,
  coalesce(c.correct_answers, 0) AS correct_answers,
  coalesce(c.misjudged_answers, 0) AS misjudged_answers,
  c.last_answered_at
FROM test_sessions s
FULL JOIN answers_by_session c ON c.session_id = s.id
