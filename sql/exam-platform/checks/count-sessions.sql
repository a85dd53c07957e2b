-- id: count-sessions
-- title: how many sessions the checks looked at
-- question: how many sessions are there, in which states?
-- severity: info
-- finding: one row of counts; nothing about it is wrong
-- remedy: none is needed
-- columns: sessions (sessions in the window), exam_sessions (of these, in mode EXAM), in_progress (of these, ACTIVE and not
--   past their end), submitted (SUBMITTED), expired (EXPIRED), students (distinct students of the sessions)
-- cost: scan; one pass over test_sessions, 0.2 s for 400 thousand
-- window: sessions
-- suite: core
SELECT
  count(*)::int AS sessions,
  (count(*) FILTER (WHERE mode = 'EXAM'))::int AS exam_sessions,
  (count(*) FILTER (WHERE status = 'ACTIVE' AND (expires_at IS NULL OR expires_at > now())))::int AS in_progress,
  (count(*) FILTER (WHERE status = 'SUBMITTED'))::int AS submitted,
  (count(*) FILTER (WHERE status = 'EXPIRED'))::int AS expired,
  (SELECT count(*) FROM (SELECT user_id FROM test_sessions GROUP BY user_id) u)::int AS students
FROM test_sessions
