-- id: question-count
-- title: each session has the questions that it was made with
-- question: in which sessions does the number of questions differ from total_questions?
-- severity: critical
-- finding: the student cannot answer all questions that the score counts, or answers questions that it does not count
-- remedy: look at the creation of the session in the backend's log (started_at); do not score it before it is repaired
-- columns: session_id (the session), user_id (personal: the student), status (its status), total_questions (as made), questions
--   (rows of session_questions), started_at (start)
-- looks-at: sessions
-- cost: one pass over the index of session_questions; 0.3 s for 2 million questions
-- note: Offline sync (TUTOR) makes sessions without any questions; these are exempt.
WITH counted AS (
  SELECT session_id, count(*)::int AS questions FROM session_questions GROUP BY session_id
)
SELECT
  s.id AS session_id, s.user_id, s.status::text AS status, s.total_questions, coalesce(c.questions, 0) AS questions,
  s.started_at
FROM test_sessions s
LEFT JOIN counted c ON c.session_id = s.id
WHERE coalesce(c.questions, 0) <> s.total_questions
  AND ($1::timestamptz IS NULL OR s.started_at >= $1)
  AND NOT (s.mode = 'TUTOR' AND c.session_id IS NULL)
