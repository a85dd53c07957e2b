-- id: late-submits
-- title: no session was handed in late
-- question: which sessions were submitted more than a minute after their end?
-- severity: minor
-- finding: the student handed in after the time was over and was scored all the same
-- remedy: decide whether it counts; submit never checks the end of the exam
-- columns: session_id (the session), user_id (personal: the student), expires_at (end), submitted_at (handed in), late_seconds (how
--   late)
-- looks-at: sessions
-- cost: scan; one pass over test_sessions, 0.1 s for 400 thousand
-- window: sessions
-- occurred: submitted_at
-- suite: core
SELECT
  s.id AS session_id, s.user_id, s.expires_at, s.submitted_at,
  round(extract(epoch FROM s.submitted_at - s.expires_at))::int AS late_seconds
FROM test_sessions s
WHERE s.status = 'SUBMITTED' AND s.submitted_at > s.expires_at + interval '1 minute'
