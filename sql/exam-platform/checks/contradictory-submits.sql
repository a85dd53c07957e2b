-- id: contradictory-submits
-- title: each session was submitted with one score
-- question: for which sessions did the platform log submits with different scores?
-- severity: critical
-- finding: the student was told different scores for one exam
-- remedy: compare the scores with a recount of the answers (check inconsistent-scores), decide which one holds, and tell the student
-- columns: session_id (the session), user_id (personal: the student), submits (submits logged), scores (the scores,
--   first to last, as correct/total pct), first_at (first submit), last_at (last submit)
-- looks-at: submits
-- cost: index on (event_type, event_ts); 0.5 s for 100 thousand submits
-- note: Only source = 'api': clients may post this type too. Repeats with the same score are how submit-thin works.
WITH submits AS (
  SELECT
    session_id, event_ts, created_at, id,
    payload_json ->> 'score_correct' AS score_correct,
    payload_json ->> 'score_total' AS score_total,
    -- 85, 85.0 and "85.00" are the same score
    CASE
      WHEN payload_json ->> 'score_pct' ~ '^[0-9]+(\.[0-9]+)?$'
        THEN round((payload_json ->> 'score_pct')::numeric, 2)::text
      ELSE payload_json ->> 'score_pct'
    END AS score_pct
  FROM attempt_events
  WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
    AND ($1::timestamptz IS NULL OR event_ts >= $1)
),
contradictory AS (
  SELECT
    session_id,
    count(*)::int AS submits,
    string_agg(
      format('%s/%s %s%%', coalesce(score_correct, '?'), coalesce(score_total, '?'), coalesce(score_pct, '?')),
      ', ' ORDER BY event_ts, created_at, id
    ) AS scores,
    min(event_ts) AS first_at,
    max(event_ts) AS last_at
  FROM submits
  GROUP BY session_id
  HAVING count(*) > 1 AND count(DISTINCT (score_correct, score_total, score_pct)) > 1
)
SELECT c.session_id, s.user_id, c.submits, c.scores, c.first_at, c.last_at
FROM contradictory c
JOIN test_sessions s ON s.id = c.session_id
WHERE $1::timestamptz IS NULL OR s.started_at >= $1
