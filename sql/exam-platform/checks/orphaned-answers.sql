-- id: orphaned-answers
-- title: each answer belongs to a session and a question
-- question: which answers point at a session or a question that does not exist?
-- severity: critical
-- finding: an answer of a student is cut off from its exam and will not be scored
-- remedy: find out what wrote past the foreign keys (a restore, session_replication_role = replica), then bring back the missing
--   session or question from the backup
-- columns: answer_id (the answer), session_id (its session), question_id (its question), missing (what is gone),
--   written_at (last write)
-- looks-at: answers
-- cost: one hash anti-join each; 0.2 s for 2 million answers
SELECT
  a.id AS answer_id, a.session_id, a.question_id,
  concat_ws(' and ', CASE WHEN s.id IS NULL THEN 'session' END, CASE WHEN q.id IS NULL THEN 'question' END) AS missing,
  greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
LEFT JOIN test_sessions s ON s.id = a.session_id
LEFT JOIN questions q ON q.id = a.question_id
WHERE (s.id IS NULL OR q.id IS NULL)
  AND ($1::timestamptz IS NULL OR greatest(a.updated_at, a.answered_at, a.created_at) >= $1)
