-- id: changed
-- title: sessions in which anything happened at or after $1 (timestamptz)
-- note: Each write through the platform leaves an event, for which there is an index; expiry leaves none, but changes
--   updated_at. What was changed past both, by hand, only a full run sees.
SELECT session_id AS id FROM attempt_events WHERE event_ts >= $1::timestamptz
UNION
SELECT id
FROM test_sessions
WHERE greatest(updated_at, created_at, started_at, submitted_at) >= $1::timestamptz
  OR (expires_at >= $1::timestamptz AND expires_at <= now())
