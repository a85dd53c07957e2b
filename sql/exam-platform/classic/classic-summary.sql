-- id: classic-summary
-- title: what the checks looked at (as scripted)
-- question: how many sessions, answers and events are there?
-- severity: info
-- finding: one row of counts; nothing about it is wrong
-- remedy: none is needed
-- columns: sessions (all sessions), submitted (SUBMITTED), expired (EXPIRED), active (ACTIVE), answers (rows of
--   session_answers that belong to a session), events (rows of attempt_events that belong to a session)
-- cost: join; answers with the events of each session, 100 rows for a session of 25, a minute for 10 million answers
-- window: none
-- note: Answers and events multiply within a session, only for DISTINCT to take the product apart again; orphans are not
--   counted. Replaced by summary, which counts each table by itself.
SELECT
  count(DISTINCT s.id) AS sessions,
  count(DISTINCT s.id) FILTER (WHERE s.status = 'SUBMITTED') AS submitted,
  count(DISTINCT s.id) FILTER (WHERE s.status = 'EXPIRED') AS expired,
  count(DISTINCT s.id) FILTER (WHERE s.status = 'ACTIVE') AS active,
  count(DISTINCT a.id) AS answers,
  count(DISTINCT e.id) AS events
FROM test_sessions s
LEFT JOIN session_answers a ON a.session_id = s.id
LEFT JOIN attempt_events e ON e.session_id = s.id
