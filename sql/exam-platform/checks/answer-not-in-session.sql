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
-- occurred: written_at
-- suite: core
-- note: Offline sync (TUTOR) makes sessions without any questions; these are exempt.
SELECT
  a.session_id, a.question_id, s.user_id, a.selected_index,
  greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
JOIN test_sessions s ON s.id = a.session_id
WHERE NOT EXISTS (
    SELECT FROM session_questions q WHERE q.session_id = a.session_id AND q.question_id = a.question_id
  )
  AND NOT (
    s.mode = 'TUTOR' AND NOT EXISTS (SELECT FROM session_questions q WHERE q.session_id = s.id)
  )
