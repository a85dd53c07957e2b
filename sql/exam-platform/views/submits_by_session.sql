-- id: submits_by_session
-- title: the submits of each session that the platform itself logged
-- columns: session_id, submits, first_at, last_at
-- cost: index; the SESSION_SUBMITTED events
-- note: Only source = 'api': clients may post this type too.
SELECT session_id, count(*)::int AS submits, min(event_ts) AS first_at, max(event_ts) AS last_at
FROM attempt_events
WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
GROUP BY session_id
