-- id: classic-answer-question-mismatch
-- title: answers and questions of each session match (as scripted)
-- question: in which ended sessions does the number of answers differ from the number of questions?
-- severity: critical
-- finding: a session with another number of answers than questions: again every student who left one blank
-- remedy: see answer-not-in-session and question-count
-- columns: session_id (the session), questions (distinct questions handed out), answers (distinct questions answered)
-- cost: join; all questions with all answers of each session, 625 rows for a session of 25, a minute for 10 million answers
-- window: none
-- note: Multiplies the questions of a session by its answers only to count both, and compares numbers: an answer on a question
--   of another session passes, a blank does not. Replaced by answer-not-in-session, question-count, correctness-flag and
--   wrong-correctness.
SELECT
  s.id AS session_id,
  count(DISTINCT q.question_id) AS questions,
  count(DISTINCT a.question_id) AS answers
FROM test_sessions s
JOIN session_questions q ON q.session_id = s.id
LEFT JOIN session_answers a ON a.session_id = s.id
WHERE s.status IN ('SUBMITTED', 'EXPIRED')
GROUP BY s.id
HAVING count(DISTINCT q.question_id) <> count(DISTINCT a.question_id)
