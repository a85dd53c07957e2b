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
SELECT
  a.id AS answer_id, a.session_id, a.question_id, greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
-- An array, so that the answers of the few are looked up, and not all read again.
WHERE a.session_id = ANY (ARRAY(SELECT session_id FROM missing_sessions))
