-- id: answers-to-missing-questions
-- title: each answered question exists
-- question: which answers point at a question that does not exist?
-- severity: critical
-- finding: an answer of a student is to a question that is gone, and can no longer be judged or shown
-- remedy: find out what deleted past the foreign keys (a restore, session_replication_role = replica), then bring back the question
--   from the backup
-- columns: answer_id (the answer), session_id (its session), question_id (the missing question), written_at (last write)
-- looks-at: answers
-- cost: index; one look into the index for each different question, milliseconds
-- window: none
-- occurred: written_at
-- suite: core
WITH RECURSIVE answered AS (
  (SELECT question_id FROM session_answers ORDER BY question_id LIMIT 1)
  UNION ALL
  SELECT (
    SELECT a.question_id FROM session_answers a WHERE a.question_id > p.question_id ORDER BY a.question_id LIMIT 1
  )
  FROM answered p
  WHERE p.question_id IS NOT NULL
)
SELECT
  a.id AS answer_id, a.session_id, a.question_id, greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
-- An array, so that the answers to the few are looked up, and not all read again.
WHERE a.question_id = ANY (
  ARRAY(
    SELECT g.question_id FROM answered g WHERE NOT EXISTS (SELECT FROM questions q WHERE q.id = g.question_id)
  )
)
