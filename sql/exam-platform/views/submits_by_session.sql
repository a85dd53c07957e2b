-- id: submits_by_session
-- title: the submits of each session that the platform itself logged
-- columns: session_id, submits, score_correct, score_total (of one of them), contradictory (not all with the same score),
--   first_at, last_at
-- cost: index; the SESSION_SUBMITTED events
-- note: Only source = 'api': clients may post this type too. 85, 85.0 and "85.00" are the same score.
SELECT
  session_id,
  count(*)::int AS submits,
  min(score_correct COLLATE "C") AS score_correct,
  min(score_total COLLATE "C") AS score_total,
  min(score COLLATE "C") <> max(score COLLATE "C") AS contradictory,
  min(event_ts) AS first_at,
  max(event_ts) AS last_at
FROM (
  SELECT
    session_id, event_ts,
    payload_json ->> 'score_correct' AS score_correct,
    payload_json ->> 'score_total' AS score_total,
    concat_ws(
      '/',
      coalesce(payload_json ->> 'score_correct', '?'),
      coalesce(payload_json ->> 'score_total', '?'),
      CASE
        WHEN payload_json ->> 'score_pct' ~ '^[0-9]+(\.[0-9]+)?$'
          THEN round((payload_json ->> 'score_pct')::numeric, 2)::text
        ELSE coalesce(payload_json ->> 'score_pct', '?')
      END
    ) AS score
  FROM attempt_events
  WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
) e
GROUP BY session_id
