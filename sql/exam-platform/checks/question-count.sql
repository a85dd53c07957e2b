-- id: question-count
-- title: each session has the questions that it was made with
-- question: in which sessions does the number of questions differ from total_questions?
-- severity: critical
-- finding: the student cannot answer all questions that the score counts, or answers questions that it does not count
-- remedy: look at the creation of the session in the backend's log (started_at); do not score it before it is repaired
-- columns: session_id (the session), user_id (personal: the student), status (its status), total_questions (as made), questions
--   (rows of session_questions), started_at (start)
-- looks-at: sessions
-- cost: scan; one pass over the narrow index of session_questions, already sorted
-- window: sessions
-- occurred: started_at
-- suite: core
-- note: Offline sync (TUTOR) makes sessions without any questions; these are exempt.
SELECT
  s.id AS session_id, s.user_id, s.status::text AS status, s.total_questions, coalesce(c.questions, 0) AS questions,
  s.started_at
FROM test_sessions s
LEFT JOIN questions_by_session c ON c.session_id = s.id
WHERE coalesce(c.questions, 0) <> s.total_questions
  AND NOT (s.mode = 'TUTOR' AND c.session_id IS NULL)
