-- id: lost-submits
-- title: each acknowledged submit ended its session
-- question: which sessions are still ACTIVE although the platform logged their submit?
-- severity: critical
-- finding: the student handed the exam in and it still counts as running
-- remedy: look at the answers of the session, then submit it for the student through POST /sessions/{id}/submit
-- columns: session_id (the session), user_id (personal: the student), submitted_at (the first logged submit), expires_at
--   (its end, empty when untimed)
-- looks-at: submits
-- cost: scan; the SESSION_SUBMITTED events, once for all checks of submits
-- window: sessions
-- occurred: submitted_at
-- suite: core
SELECT s.id AS session_id, s.user_id, e.first_at AS submitted_at, s.expires_at
FROM submits_by_session e
JOIN test_sessions s ON s.id = e.session_id
WHERE s.status = 'ACTIVE'
