-- id: unlogged-writes
-- title: each answer and submit has its event
-- question: which answers and submits are stored without the event that should record them?
-- severity: minor
-- finding: the answer or submit counts, but nothing shows when and how it was made, should the student ask
-- remedy: look in the backend's log around written_at for errors after the commit; the event is written in a second transaction
-- columns: session_id (the session), question_id (the question, empty for a submit), user_id (personal: the student), cause (what is
--   missing), written_at (when it was stored)
-- looks-at: answers
-- cost: join; the answers with the ANSWER_SUBMITTED events, 5 s for 2 million events
-- window: sessions
-- occurred: written_at
-- note: The event follows the row in a transaction of its own, so the last 30 seconds are not looked at.
--   Offline sync (TUTOR sessions without questions) writes answers only.
WITH answered AS NOT MATERIALIZED (
  SELECT
    session_id,
    payload_json ->> 'question_id' AS question_id,
    coalesce(payload_json ->> 'selected_index', 'none') AS choice,
    event_ts,
    created_at
  FROM attempt_events
  WHERE event_type = 'ANSWER_SUBMITTED' AND source = 'api'
),
written AS (
  SELECT
    a.session_id, a.question_id, s.user_id, s.mode,
    coalesce(a.selected_index::text, 'none') AS choice,
    greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
  FROM session_answers a
  JOIN test_sessions s ON s.id = a.session_id
),
doubtful AS MATERIALIZED (
  SELECT w.*
  FROM written w
  WHERE w.written_at < now() - interval '30 seconds'
    AND NOT EXISTS (
      SELECT FROM answered e
      WHERE e.session_id = w.session_id AND e.question_id = w.question_id::text
        AND e.event_ts >= w.written_at - interval '1 second'
    )
),
last_events AS (
  SELECT DISTINCT ON (session_id, question_id) session_id, question_id, choice
  FROM answered
  -- An array, so that the events of the few are looked up, and not all read again.
  WHERE session_id = ANY (ARRAY(SELECT DISTINCT session_id FROM doubtful))
  ORDER BY session_id, question_id, event_ts DESC, created_at DESC
)
SELECT
  d.session_id, d.question_id, d.user_id,
  CASE WHEN e.choice IS NULL THEN 'answer without event' ELSE 'answer changed after its last event' END AS cause,
  d.written_at
FROM doubtful d
LEFT JOIN last_events e ON e.session_id = d.session_id AND e.question_id = d.question_id::text
WHERE (e.choice IS NULL OR e.choice <> d.choice)
  AND (
    d.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = d.session_id LIMIT 1) IS NOT NULL
  )
UNION ALL
SELECT s.id, NULL, s.user_id, 'submit without event', s.submitted_at
FROM test_sessions s
WHERE s.status = 'SUBMITTED'
  AND s.submitted_at < now() - interval '30 seconds'
  AND NOT EXISTS (
    SELECT FROM attempt_events e
    WHERE e.session_id = s.id AND e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api'
  )
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.id LIMIT 1) IS NOT NULL
  )
