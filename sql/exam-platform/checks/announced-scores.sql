-- id: announced-scores
-- title: each stored score is the one that was announced
-- question: for which sessions does the stored score differ from the one that the submit announced?
-- severity: critical
-- finding: the student was told one score and the platform keeps another
-- remedy: recount the answers (check inconsistent-scores), find out who changed the score after the submit, and tell the student
-- columns: session_id (the session), user_id (personal: the student), announced (score_correct/score_total of the
--   submit), stored (score_correct/score_total of the session), submitted_at (when it was submitted)
-- looks-at: submits
-- cost: index on (event_type, event_ts); 0.5 s for 100 thousand submits
-- note: Sessions with several announced scores are left to contradictory-submits, those without a stored score to unscored-sessions.
WITH announced AS (
  SELECT
    session_id,
    min(payload_json ->> 'score_correct') AS score_correct,
    min(payload_json ->> 'score_total') AS score_total
  FROM attempt_events
  WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
    AND ($1::timestamptz IS NULL OR event_ts >= $1)
  GROUP BY session_id
  HAVING count(DISTINCT (payload_json ->> 'score_correct', payload_json ->> 'score_total')) = 1
)
SELECT
  s.id AS session_id, s.user_id,
  format('%s/%s', a.score_correct, a.score_total) AS announced,
  format('%s/%s', s.score_correct, s.score_total) AS stored,
  s.submitted_at
FROM announced a
JOIN test_sessions s ON s.id = a.session_id
WHERE s.score_correct IS NOT NULL AND s.score_total IS NOT NULL
  AND a.score_correct IS NOT NULL AND a.score_total IS NOT NULL
  AND (a.score_correct <> s.score_correct::text OR a.score_total <> s.score_total::text)
  AND ($1::timestamptz IS NULL OR s.started_at >= $1)
