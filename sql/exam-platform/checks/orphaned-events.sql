-- id: orphaned-events
-- title: each event belongs to a session and a student
-- question: which events point at a session or a user that does not exist?
-- severity: major
-- finding: part of a student's record is cut off from the exam: what happened can no longer be shown
-- remedy: find out what wrote past the foreign keys (a restore, session_replication_role = replica), then bring back the missing
--   session or user from the backup; events cannot be deleted
-- columns: event_id (the event), event_type (its type), session_id (its session), user_id (personal: its student), missing (what
--   is gone), event_ts (when it happened)
-- looks-at: events
-- cost: scan; two indexes of attempt_events, already sorted
-- window: time
-- occurred: event_ts
-- suite: core
WITH gone_sessions AS (
  SELECT session_id
  FROM (SELECT session_id FROM attempt_events GROUP BY session_id) e
  WHERE NOT EXISTS (SELECT FROM test_sessions s WHERE s.id = e.session_id)
),
gone_users AS (
  SELECT user_id
  FROM (SELECT user_id FROM attempt_events GROUP BY user_id) e
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id)
)
SELECT
  e.id AS event_id, e.event_type, e.session_id, e.user_id,
  concat_ws(
    ' and ',
    CASE WHEN NOT EXISTS (SELECT FROM test_sessions s WHERE s.id = e.session_id) THEN 'session' END,
    CASE WHEN NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id) THEN 'user' END
  ) AS missing,
  e.event_ts
FROM attempt_events e
-- Arrays, so that the events of the few are looked up, and not all read again.
WHERE e.session_id = ANY (ARRAY(SELECT session_id FROM gone_sessions))
  OR e.user_id = ANY (ARRAY(SELECT user_id FROM gone_users))
