-- id: unlogged-writes
-- title: each answer and submit has its event
-- question: which answers and submits are stored without the event that should record them?
-- severity: minor
-- finding: the answer or submit counts, but nothing shows when and how it was made, should the student ask
-- remedy: look in the backend's log around written_at for errors after the commit; the event is written in a second transaction
-- columns: session_id (the session), question_id (the question, empty for a submit), user_id (personal: the student), cause (what is
--   missing), written_at (when it was stored)
-- looks-at: answers
-- cost: groups the ANSWER_SUBMITTED events, then one hash join; 1 to 2 s for 2 million events
-- note: The event follows the row in a transaction of its own, so the last 30 seconds are not looked at.
--   Offline sync (TUTOR sessions without questions) writes answers only.
WITH logged AS (
  SELECT
    session_id,
    payload_json ->> 'question_id' AS question_id,
    max(event_ts) AS last_at,
    array_agg(coalesce(payload_json ->> 'selected_index', 'none') ORDER BY event_ts DESC, created_at DESC) AS choices
  FROM attempt_events
  WHERE event_type = 'ANSWER_SUBMITTED' AND source = 'api'
    AND ($1::timestamptz IS NULL OR event_ts >= $1)
  GROUP BY session_id, payload_json ->> 'question_id'
)
SELECT
  a.session_id, a.question_id, s.user_id,
  CASE WHEN l.session_id IS NULL THEN 'answer without event' ELSE 'answer changed after its last event' END AS cause,
  greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
JOIN test_sessions s ON s.id = a.session_id
LEFT JOIN logged l ON l.session_id = a.session_id AND l.question_id = a.question_id::text
WHERE ($1::timestamptz IS NULL OR s.started_at >= $1)
  AND greatest(a.updated_at, a.answered_at, a.created_at) < now() - interval '30 seconds'
  AND (
    l.session_id IS NULL
    OR (
      coalesce(a.selected_index::text, 'none') <> l.choices[1]
      AND greatest(a.updated_at, a.answered_at, a.created_at) > l.last_at + interval '1 second'
    )
  )
  AND NOT (
    s.mode = 'TUTOR' AND NOT EXISTS (SELECT FROM session_questions q WHERE q.session_id = s.id)
  )
UNION ALL
SELECT s.id, NULL, s.user_id, 'submit without event', s.submitted_at
FROM test_sessions s
WHERE s.status = 'SUBMITTED'
  AND ($1::timestamptz IS NULL OR s.started_at >= $1)
  AND s.submitted_at < now() - interval '30 seconds'
  AND NOT EXISTS (
    SELECT FROM attempt_events e
    WHERE e.session_id = s.id AND e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api'
  )
  AND NOT (
    s.mode = 'TUTOR' AND NOT EXISTS (SELECT FROM session_questions q WHERE q.session_id = s.id)
  )
