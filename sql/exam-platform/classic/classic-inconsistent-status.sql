-- id: classic-inconsistent-status
-- title: each ended session has its end (as scripted)
-- question: which ended sessions have no submitted_at?
-- severity: major
-- finding: a session that has ended without a time; only EXPIRED ones can
-- remedy: see inconsistent-status
-- columns: session_id (the session), user_id (personal: the student), status (SUBMITTED or EXPIRED), started_at (start),
--   submitted_at (end, always empty here)
-- cost: scan; sessions, 0.1 s for 400 thousand
-- window: none
-- note: A CHECK makes this impossible for SUBMITTED, and every other contradiction passes. Replaced by inconsistent-status,
--   overdue-sessions and late-submits.
SELECT id AS session_id, user_id, status, started_at, submitted_at
FROM test_sessions
WHERE status IN ('SUBMITTED', 'EXPIRED') AND submitted_at IS NULL
ORDER BY started_at DESC
