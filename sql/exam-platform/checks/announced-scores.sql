-- id: announced-scores
-- title: each stored score is the one that was announced
-- question: for which sessions does the stored score differ from the one that the submit announced?
-- severity: critical
-- finding: the student was told one score and the platform keeps another
-- remedy: recount the answers (check inconsistent-scores), find out who changed the score after the submit, and tell the student
-- columns: session_id (the session), user_id (personal: the student), announced (score_correct/score_total of the
--   submit), stored (score_correct/score_total of the session), submitted_at (when it was submitted)
-- looks-at: submits
-- cost: scan; the SESSION_SUBMITTED events and what they say
-- window: sessions
-- occurred: submitted_at
-- note: Sessions with several announced scores are left to contradictory-submits, those without a stored score to unscored-sessions.
SELECT DISTINCT -- a repeat with the same score announces nothing new
  s.id AS session_id, s.user_id,
  format('%s/%s', e.payload_json ->> 'score_correct', e.payload_json ->> 'score_total') AS announced,
  format('%s/%s', s.score_correct, s.score_total) AS stored,
  s.submitted_at
FROM attempt_events e
JOIN test_sessions s ON s.id = e.session_id
WHERE e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api'
  AND (
    e.payload_json ->> 'score_correct' <> s.score_correct::text
    OR e.payload_json ->> 'score_total' <> s.score_total::text
  )
  AND NOT EXISTS (SELECT FROM contradictory_sessions c WHERE c.session_id = e.session_id)
