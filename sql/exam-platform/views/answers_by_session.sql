-- id: answers_by_session
-- title: the answers of each session, counted
-- columns: session_id, answers
-- cost: scan; one pass over the narrow index of session_answers, already sorted
-- shared: SELECT session_id, answers FROM judged_answers
SELECT session_id, count(*)::int AS answers
FROM session_answers
GROUP BY session_id
