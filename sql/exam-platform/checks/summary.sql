-- id: summary
-- title: what the checks looked at
-- question: how many sessions, answers and events are there?
-- severity: info
-- finding: one row of counts; nothing about it is wrong
-- remedy: none is needed
-- columns: sessions (sessions in the window), exam_sessions (of these, in mode EXAM), in_progress (of these, ACTIVE
--   and not past their end), submitted (SUBMITTED), expired (EXPIRED), students (distinct students of the sessions),
--   questions (questions handed out in the sessions), answers (rows of session_answers), cleared_answers (touched and
--   left without a choice: allowed), events (rows of attempt_events), submits (submits that the platform logged),
--   repeated_submits (sessions whose submit was logged again with the same score: harmless), newest_session_at (start
--   of the newest session, in the window or not)
-- looks-at: sessions
-- cost: counts each table once; 0.3 s for 2 million answers
WITH windowed AS (
  SELECT id, user_id, mode, status, expires_at
  FROM test_sessions
  WHERE $1::timestamptz IS NULL OR started_at >= $1
),
sessions AS (
  SELECT
    count(*) AS sessions,
    count(*) FILTER (WHERE mode = 'EXAM') AS exam_sessions,
    count(*) FILTER (WHERE status = 'ACTIVE' AND (expires_at IS NULL OR expires_at > now())) AS in_progress,
    count(*) FILTER (WHERE status = 'SUBMITTED') AS submitted,
    count(*) FILTER (WHERE status = 'EXPIRED') AS expired,
    count(DISTINCT user_id) AS students
  FROM windowed
),
answers AS (
  SELECT count(*) AS answers, count(*) FILTER (WHERE selected_index IS NULL) AS cleared_answers
  FROM session_answers
  WHERE $1::timestamptz IS NULL OR session_id IN (SELECT id FROM windowed)
),
submits_of_session AS (
  SELECT
    session_id,
    count(*) AS submits,
    count(DISTINCT (payload_json -> 'score_correct', payload_json -> 'score_total')) AS scores
  FROM attempt_events
  WHERE event_type = 'SESSION_SUBMITTED' AND source = 'api'
    AND ($1::timestamptz IS NULL OR (event_ts >= $1 AND session_id IN (SELECT id FROM windowed)))
  GROUP BY session_id
),
submits AS (
  SELECT
    coalesce(sum(submits), 0) AS submits,
    count(*) FILTER (WHERE submits > 1 AND scores = 1) AS repeated_submits
  FROM submits_of_session
)
SELECT
  sessions::int, exam_sessions::int, in_progress::int, submitted::int, expired::int, students::int,
  (
    SELECT count(*) FROM session_questions
    WHERE $1::timestamptz IS NULL OR session_id IN (SELECT id FROM windowed)
  )::int AS questions,
  answers::int, cleared_answers::int,
  (
    SELECT count(*) FROM attempt_events
    WHERE $1::timestamptz IS NULL OR (event_ts >= $1 AND session_id IN (SELECT id FROM windowed))
  )::int AS events,
  submits::int, repeated_submits::int,
  (SELECT max(started_at) FROM test_sessions) AS newest_session_at
FROM sessions, answers, submits
