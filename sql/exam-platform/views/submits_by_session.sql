-- id: submits_by_session
-- title: the submits of each session that the platform itself logged
-- columns: session_id, submits, contradictory (not all with the same score), first_at, last_at
-- cost: index; the SESSION_SUBMITTED events
-- note: Only source = 'api': clients may post this type too. 85, 85.0 and "85.00" are the same score.
SELECT
  e.session_id,
  count(*)::int AS submits,
  CASE WHEN count(*) > 1 THEN (
    SELECT
      count(
        DISTINCT (
          x.payload_json ->> 'score_correct',
          x.payload_json ->> 'score_total',
          CASE
            WHEN x.payload_json ->> 'score_pct' ~ '^[0-9]+(\.[0-9]+)?$'
              THEN round((x.payload_json ->> 'score_pct')::numeric, 2)::text
            ELSE x.payload_json ->> 'score_pct'
          END
        )
      ) > 1
    FROM attempt_events x
    WHERE x.session_id = e.session_id AND x.event_type = 'SESSION_SUBMITTED' AND x.source = 'api'
  ) ELSE false END AS contradictory,
  min(e.event_ts) AS first_at,
  max(e.event_ts) AS last_at
FROM attempt_events e
WHERE e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api'
GROUP BY e.session_id
