-- id: lost-submits
-- title: each acknowledged submit ended its session
-- question: which sessions are still ACTIVE although the platform logged their submit?
-- severity: critical
-- finding: the student handed the exam in and it still counts as running
-- remedy: look at the answers of the session, then submit it for the student through POST /sessions/{id}/submit
-- columns: session_id (the session), user_id (personal: the student), submitted_at (the first logged submit), expires_at
--   (its end, empty when untimed)
-- looks-at: submits
-- cost: index on (event_type, event_ts); 0.3 s for 100 thousand submits
SELECT s.id AS session_id, s.user_id, min(e.event_ts) AS submitted_at, s.expires_at
FROM attempt_events e
JOIN test_sessions s ON s.id = e.session_id
WHERE e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api' AND s.status = 'ACTIVE'
  AND ($1::timestamptz IS NULL OR (e.event_ts >= $1 AND s.started_at >= $1))
GROUP BY s.id, s.user_id, s.expires_at
