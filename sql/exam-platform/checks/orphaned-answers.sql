-- id: orphaned-answers
-- title: each answer belongs to a session
-- question: which answers point at a session that does not exist?
-- severity: critical
-- finding: an answer of a student is cut off from its exam and will not be scored
-- remedy: find out what wrote past the foreign keys (a restore, session_replication_role = replica), then bring back the missing
--   session from the backup
-- columns: answer_id (the answer), session_id (its session), question_id (its question), written_at (last write)
-- looks-at: answers
-- cost: scan; one pass over the narrow index of session_answers, already sorted
-- window: time
-- occurred: written_at
-- suite: core
SELECT a.id AS answer_id, s.session_id, a.question_id, a.written_at
FROM answers_by_session s
-- OFFSET 0 keeps the few sessions in front: their answers are looked up, not all answers read again.
CROSS JOIN LATERAL (
  SELECT id, question_id, greatest(updated_at, answered_at, created_at) AS written_at
  FROM session_answers
  WHERE session_id = s.session_id
  OFFSET 0
) a
WHERE NOT EXISTS (SELECT FROM test_sessions t WHERE t.id = s.session_id)
