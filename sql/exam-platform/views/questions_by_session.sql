-- id: questions_by_session
-- title: the questions of each session, counted
-- columns: session_id, questions
-- cost: scan; one pass over the narrow index of session_questions, already sorted
SELECT session_id, count(*)::int AS questions
FROM session_questions
GROUP BY session_id
