-- id: lost-answers
-- title: each acknowledged answer is stored as it was given
-- question: which answers that the platform acknowledged are absent, or stored with an older choice?
-- severity: critical
-- finding: the student chose an answer, was told that it is stored, and it is not
-- remedy: stop scoring of these sessions, restore the choice from the event (payload_json ->> 'selected_index'), and look for failed
--   writes in the backend's log around last_at
-- columns: session_id (the session), question_id (the question), user_id (personal: the student), cause (absent or
--   different), acknowledged (the choice last acknowledged), stored (the choice in session_answers), first_at (first
--   write acknowledged), last_at (last write acknowledged)
-- looks-at: answers
-- cost: join; the ANSWER_SUBMITTED events with the answers, 5 s for 2 million events
-- window: sessions
-- settings: enable_mergejoin=off
-- occurred: last_at
-- note: Two writes of one question within a second may be logged in another order than stored: either choice is right then.
--   A row that is newer than its last event was written without one: that is unlogged-writes.
WITH answered AS NOT MATERIALIZED (
  SELECT
    session_id,
    payload_json ->> 'question_id' AS question_id,
    -- An id that is none is no question of the session: the answer is absent.
    CASE WHEN payload_json ->> 'question_id' !~ '[^0-9a-f-]' THEN (payload_json ->> 'question_id')::uuid END AS question_key,
    coalesce(payload_json ->> 'selected_index', 'none') AS choice,
    event_ts,
    created_at
  FROM attempt_events
  WHERE event_type = 'ANSWER_SUBMITTED' AND source = 'api'
),
-- Few, so that only these are sorted by time and looked up.
doubtful AS MATERIALIZED (
  SELECT DISTINCT e.session_id, e.question_id
  FROM answered e
  LEFT JOIN session_answers a ON a.session_id = e.session_id AND a.question_id = e.question_key
  WHERE a.id IS NULL
    OR (
      coalesce(a.selected_index::text, 'none') <> e.choice
      AND greatest(a.updated_at, a.answered_at, a.created_at) <= e.event_ts + interval '1 second'
    )
),
timed AS (
  SELECT e.*, max(e.event_ts) OVER (PARTITION BY e.session_id, e.question_id) AS last_at
  FROM doubtful d
  CROSS JOIN LATERAL (
    SELECT * FROM answered e WHERE e.session_id = d.session_id AND e.question_id = d.question_id OFFSET 0
  ) e
),
last_acknowledged AS (
  SELECT
    session_id, question_id, question_key, last_at,
    min(event_ts) AS first_at,
    array_agg(choice ORDER BY event_ts DESC, created_at DESC)
      FILTER (WHERE event_ts >= last_at - interval '1 second') AS choices
  FROM timed
  GROUP BY session_id, question_id, question_key, last_at
)
SELECT
  s.id AS session_id, k.question_id, s.user_id,
  CASE WHEN a.id IS NULL THEN 'absent' ELSE 'different' END AS cause,
  k.choices[1] AS acknowledged,
  CASE WHEN a.id IS NOT NULL THEN coalesce(a.selected_index::text, 'none') END AS stored,
  k.first_at, k.last_at
FROM last_acknowledged k
JOIN test_sessions s ON s.id = k.session_id
LEFT JOIN LATERAL (
  SELECT id, selected_index, greatest(updated_at, answered_at, created_at) AS written_at
  FROM session_answers
  WHERE session_id = k.session_id AND question_id = k.question_key
  LIMIT 1
) a ON true
WHERE a.id IS NULL
  OR (
    coalesce(a.selected_index::text, 'none') <> ALL (k.choices)
    AND a.written_at <= k.last_at + interval '1 second'
  )
