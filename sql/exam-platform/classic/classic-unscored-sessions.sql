-- id: classic-unscored-sessions
-- title: each ended session is scored (as scripted)
-- question: which ended sessions have no score_correct or no score_total?
-- severity: critical
-- finding: the student finished the exam and has no result
-- remedy: see unscored-sessions
-- columns: session_id (the session), user_id (personal: the student), status (SUBMITTED or EXPIRED), submitted_at (end)
-- cost: scan; sessions, 0.1 s for 400 thousand
-- window: none
-- note: Right as far as it goes, but does not look at score_pct, and a score that is there and wrong passes. Replaced by
--   unscored-sessions and inconsistent-scores.
SELECT id AS session_id, user_id, status, submitted_at
FROM test_sessions
WHERE status IN ('SUBMITTED', 'EXPIRED') AND (score_correct IS NULL OR score_total IS NULL)
ORDER BY submitted_at DESC
