-- id: contradictory-submits
-- title: each session was submitted with one score
-- question: for which sessions did the platform log submits with different scores?
-- severity: critical
-- finding: the student was told different scores for one exam
-- remedy: compare the scores with a recount of the answers (check inconsistent-scores), decide which one holds, and tell the student
-- columns: session_id (the session), user_id (personal: the student), submits (submits logged), scores (the scores,
--   first to last, as correct/total pct), first_at (first submit), last_at (last submit)
-- looks-at: submits
-- cost: scan; the SESSION_SUBMITTED events, once for all checks of submits
-- window: sessions
-- occurred: last_at
-- suite: core
-- note: Only source = 'api': clients may post this type too. Repeats with the same score are how submit-thin works.
SELECT c.session_id, s.user_id, e.submits, c.scores, e.first_at, e.last_at
FROM contradictory_sessions c
JOIN submits_by_session e ON e.session_id = c.session_id
JOIN test_sessions s ON s.id = c.session_id
