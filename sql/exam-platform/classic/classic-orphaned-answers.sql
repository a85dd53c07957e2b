-- id: classic-orphaned-answers
-- title: no answer is orphaned (as scripted)
-- question: how many answers point at a session that does not exist?
-- severity: critical
-- finding: one row with the number of orphaned answers; it is there when the number is 0 too
-- remedy: read the number, not the number of rows; then run constraints-valid and orphaned-answers
-- columns: orphaned_answers (how many)
-- cost: join; all answers with all sessions, 0.7 s for 10 million answers
-- window: none
-- note: While the foreign key is valid this cannot find anything, yet always prints a row, although no rows counts as
--   success. Replaced by constraints-valid, which asks whether the key is enforced, and by orphaned-answers, which names the rows.
SELECT count(*) AS orphaned_answers
FROM session_answers a
LEFT JOIN test_sessions s ON s.id = a.session_id
WHERE s.id IS NULL
