-- id: unscored-sessions
-- title: each ended session has a score
-- question: which SUBMITTED or EXPIRED sessions lack a part of their score?
-- severity: critical
-- finding: the student finished the exam and has no result
-- remedy: score the session again from its answers; look in the backend's log around submitted_at for the failed submit
-- columns: session_id (the session), user_id (personal: the student), status (SUBMITTED or EXPIRED), cause (the empty columns),
--   started_at (start), submitted_at (end)
-- looks-at: sessions
-- cost: scan; one pass over test_sessions, 0.1 s for 400 thousand
-- window: sessions
-- occurred: submitted_at
-- suite: core
SELECT
  s.id AS session_id, s.user_id, s.status::text AS status,
  concat_ws(
    ', ',
    CASE WHEN s.score_correct IS NULL THEN 'score_correct' END,
    CASE WHEN s.score_total IS NULL THEN 'score_total' END,
    CASE WHEN s.score_pct IS NULL THEN 'score_pct' END
  ) || ' is empty' AS cause,
  s.started_at, s.submitted_at
FROM test_sessions s
WHERE s.status IN ('SUBMITTED', 'EXPIRED')
  AND (s.score_correct IS NULL OR s.score_total IS NULL OR s.score_pct IS NULL)
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.id LIMIT 1) IS NOT NULL
  )
