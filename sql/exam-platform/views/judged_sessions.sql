-- id: judged_sessions
-- title: each session beside what its answers say
-- columns: session_id, user_id, mode, status, started_at, submitted_at, total_questions, score_correct, score_total,
--   score_pct, correct_answers, cleared_answers, misjudged_answers, last_answered_at
-- cost: scan; one pass over session_answers itself
SELECT
  s.id AS session_id, s.user_id, s.mode, s.status, s.started_at, s.submitted_at,
  s.total_questions, s.score_correct, s.score_total, s.score_pct,
  coalesce(c.correct_answers, 0) AS correct_answers,
  coalesce(c.cleared_answers, 0) AS cleared_answers,
  coalesce(c.misjudged_answers, 0) AS misjudged_answers,
  c.last_answered_at
FROM test_sessions s
LEFT JOIN judged_answers c ON c.session_id = s.id
