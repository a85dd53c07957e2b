-- id: classic-duplicate-submits
-- title: no session was submitted twice (as scripted)
-- question: which sessions have more than one SESSION_SUBMITTED event?
-- severity: critical
-- finding: a session with several submit events, most of them harmless
-- remedy: see contradictory-submits for those where the scores differ
-- columns: session_id (the session), submits (events of any source), first_at (first event), last_at (last event)
-- cost: scan; whole history of submit events, 0.3 s for 400 thousand
-- window: none
-- note: Counts events, not submits: submit-thin logs one on every call, with the same score, and clients may post the type
--   themselves. Replaced by contradictory-submits, which compares the scores that the platform itself logged.
SELECT session_id, count(*) AS submits, min(event_ts) AS first_at, max(event_ts) AS last_at
FROM attempt_events
WHERE event_type = 'SESSION_SUBMITTED'
GROUP BY session_id
HAVING count(*) > 1
ORDER BY submits DESC
