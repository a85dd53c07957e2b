-- id: inconsistent-status
-- title: each session's status fits its times and score
-- question: which sessions contradict themselves?
-- severity: major
-- finding: the platform treats the student's exam as running and ended at once, or changed it after its end
-- remedy: read the session's events in order (SELECT * FROM attempt_events WHERE session_id = ... ORDER BY event_ts) and set right
--   what the cause names
-- columns: session_id (the session), user_id (personal: the student), status (its status), cause (the contradiction), started_at
--   (start), submitted_at (end)
-- looks-at: sessions
-- cost: scan; one pass over test_sessions, 0.1 s for 400 thousand
-- window: sessions
-- occurred: started_at
-- suite: core
-- note: Offline sync (TUTOR sessions without questions) brings times of the student's device; these are exempt.
SELECT s.id AS session_id, s.user_id, s.status::text AS status, k.cause, s.started_at, s.submitted_at
FROM test_sessions s
CROSS JOIN LATERAL (
  VALUES
    ('SUBMITTED without submitted_at', s.status = 'SUBMITTED' AND s.submitted_at IS NULL),
    ('EXPIRED without submitted_at', s.status = 'EXPIRED' AND s.submitted_at IS NULL),
    ('ACTIVE with submitted_at', s.status = 'ACTIVE' AND s.submitted_at IS NOT NULL),
    ('ACTIVE with a score', s.status = 'ACTIVE' AND num_nonnulls(s.score_correct, s.score_total, s.score_pct) > 0),
    ('submitted before it started', s.submitted_at < s.started_at)
) k(cause, holds)
WHERE k.holds
  -- What can only be right is left out before its causes are worked out.
  AND (
    (s.status = 'ACTIVE') = (s.submitted_at IS NOT NULL)
    OR (s.status = 'ACTIVE' AND num_nonnulls(s.score_correct, s.score_total, s.score_pct) > 0)
    OR s.submitted_at < s.started_at
  )
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.id LIMIT 1) IS NOT NULL
  )
