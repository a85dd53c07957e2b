-- id: contradictory_sessions
-- title: the sessions whose logged submits do not all have the same score
-- columns: session_id, scores (first to last, as correct/total pct)
-- cost: index; the SESSION_SUBMITTED events of sessions that have several
-- note: 85, 85.0 and "85.00" are the same score.
SELECT
  session_id,
  string_agg(
    format(
      '%s/%s %s%%',
      coalesce(payload_json ->> 'score_correct', '?'),
      coalesce(payload_json ->> 'score_total', '?'),
      coalesce(payload_json ->> 'score_pct', '?')
    ),
    ', ' ORDER BY event_ts, created_at, id
  ) AS scores
FROM attempt_events
WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
  AND session_id = ANY (ARRAY(SELECT session_id FROM submits_by_session WHERE submits > 1))
GROUP BY session_id
HAVING
  count(
    DISTINCT (
      payload_json ->> 'score_correct',
      payload_json ->> 'score_total',
      CASE
        WHEN payload_json ->> 'score_pct' ~ '^[0-9]+(\.[0-9]+)?$'
          THEN round((payload_json ->> 'score_pct')::numeric, 2)::text
        ELSE payload_json ->> 'score_pct'
      END
    )
  ) > 1
