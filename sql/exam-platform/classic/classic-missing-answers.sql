-- id: classic-missing-answers
-- title: each ended session has an answer to each question (as scripted)
-- question: which ended sessions have fewer answers than questions?
-- severity: critical
-- finding: a session with fewer answers than questions: a student who left one blank, as is allowed, or a lost answer
-- remedy: see lost-answers for the answers that were acknowledged and are not there
-- columns: session_id (the session), user_id (personal: the student), total_questions (as made), answers (rows of
--   session_answers), missing (the difference)
-- cost: join; all answers with all sessions, 3.5 s for 10 million answers
-- window: none
-- note: Flags every student who left a question blank, sessions that expired, and cannot tell these from a loss. Replaced by
--   lost-answers, which compares the answers with the writes that the platform acknowledged.
SELECT s.id AS session_id, s.user_id, s.total_questions, count(a.id) AS answers, s.total_questions - count(a.id) AS missing
FROM test_sessions s
LEFT JOIN session_answers a ON a.session_id = s.id
WHERE s.status IN ('SUBMITTED', 'EXPIRED')
GROUP BY s.id, s.user_id, s.total_questions
HAVING count(a.id) < s.total_questions
ORDER BY missing DESC
