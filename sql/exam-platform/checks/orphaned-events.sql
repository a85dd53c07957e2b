-- id: orphaned-events
-- title: each event belongs to a session and a student
-- question: which events point at a session or a user that does not exist?
-- severity: major
-- finding: part of a student's record is cut off from the exam: what happened can no longer be shown
-- remedy: find out what wrote past the foreign keys (a restore, session_replication_role = replica), then bring back the missing
--   session or user from the backup; events cannot be deleted
-- columns: event_id (the event), event_type (its type), session_id (its session), user_id (personal: its student), missing (what
--   is gone), event_ts (when it happened)
-- looks-at: events
-- cost: one hash anti-join each; 0.4 s for 2 million events
SELECT
  e.id AS event_id, e.event_type, e.session_id, e.user_id,
  concat_ws(' and ', CASE WHEN s.id IS NULL THEN 'session' END, CASE WHEN u.id IS NULL THEN 'user' END) AS missing,
  e.event_ts
FROM attempt_events e
LEFT JOIN test_sessions s ON s.id = e.session_id
LEFT JOIN users u ON u.id = e.user_id
WHERE (s.id IS NULL OR u.id IS NULL)
  AND ($1::timestamptz IS NULL OR e.event_ts >= $1)
