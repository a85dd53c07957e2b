-- id: classic-orphaned-events
-- title: no event is orphaned (as scripted)
-- question: how many events point at a session that does not exist?
-- severity: major
-- finding: one row with the number of orphaned events; it is there when the number is 0 too
-- remedy: read the number, not the number of rows; then run constraints-valid and orphaned-events
-- columns: orphaned_events (how many)
-- cost: join; all events with all sessions, 0.3 s for 1.6 million events
-- window: none
-- note: While the foreign key is valid this cannot find anything, yet always prints a row, although no rows counts as
--   success. Replaced by constraints-valid, which asks whether the key is enforced, and by orphaned-events, which names the rows.
SELECT count(*) AS orphaned_events
FROM attempt_events e
LEFT JOIN test_sessions s ON s.id = e.session_id
WHERE s.id IS NULL
