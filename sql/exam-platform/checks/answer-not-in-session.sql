-- id: answer-not-in-session
-- title: each answer is to a question of its session
-- question: which answers are to questions that the session does not have?
-- severity: critical
-- finding: the student's answer hangs on a question that was never handed out: it is scored wrongly, or not at all
-- remedy: compare with the ANSWER_SUBMITTED events of the session to find the question that was meant
-- columns: session_id (the session), question_id (the foreign question), user_id (personal: the student), selected_index
--   (the choice, empty when cleared), written_at (last write)
-- looks-at: answers
-- cost: join; merges two indexes, 5 s for 10 million answers
-- window: sessions
-- settings: enable_hashjoin=off
-- occurred: written_at
-- note: Offline sync (TUTOR) makes sessions without any questions; these are exempt.
WITH
-- The keys alone are compared, from two indexes in the same order; whatever else is told is looked up for the findings.
foreign_answers AS MATERIALIZED (
  SELECT a.session_id, a.question_id
  FROM session_answers a
  WHERE NOT EXISTS (
    SELECT FROM session_questions q WHERE q.session_id = a.session_id AND q.question_id = a.question_id
  )
)
SELECT
  a.session_id, a.question_id, s.user_id, l.selected_index, l.written_at
FROM foreign_answers a
CROSS JOIN LATERAL (SELECT user_id, mode FROM test_sessions WHERE id = a.session_id OFFSET 0) s
CROSS JOIN LATERAL (
  SELECT selected_index, greatest(updated_at, answered_at, created_at) AS written_at
  FROM session_answers
  WHERE session_id = a.session_id AND question_id = a.question_id
  OFFSET 0
) l
WHERE s.mode <> 'TUTOR'
  OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = a.session_id LIMIT 1) IS NOT NULL
