-- id: overdue-sessions
-- title: no session runs past its end
-- question: which sessions are ACTIVE more than a minute after their end?
-- severity: minor
-- finding: the student's exam is over and neither handed in nor scored; it stays so until somebody opens it
-- remedy: have the student open the session, which expires and scores it; examctl does not do so because reading through the API changes it
-- columns: session_id (the session), user_id (personal: the student), mode (EXAM or TUTOR), started_at (start), expires_at (end)
-- looks-at: sessions
-- cost: index; the ACTIVE sessions
-- window: sessions
-- occurred: expires_at
-- suite: core
-- note: Expiry is lazy, so this is common for students who closed the browser.
SELECT s.id AS session_id, s.user_id, s.mode::text AS mode, s.started_at, s.expires_at
FROM test_sessions s
WHERE s.status = 'ACTIVE' AND s.expires_at < now() - interval '1 minute'
