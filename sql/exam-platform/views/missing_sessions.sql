-- id: missing_sessions
-- title: the sessions that answers name, and that do not exist
-- columns: session_id
-- cost: scan; one pass over the narrow index of session_answers, already sorted
-- shared: SELECT session_id FROM doubtful_sessions WHERE status IS NULL
SELECT a.session_id
FROM answers_by_session a
WHERE NOT EXISTS (SELECT FROM test_sessions s WHERE s.id = a.session_id)
