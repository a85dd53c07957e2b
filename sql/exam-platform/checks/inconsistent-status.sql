-- id: inconsistent-status
-- title: each session's status fits its times and score
-- question: which sessions contradict themselves?
-- severity: major
-- finding: the platform treats the student's exam as running and ended at once, or changed it after its end
-- remedy: read the session's events in order (SELECT * FROM attempt_events WHERE session_id = ... ORDER BY event_ts) and set right
--   what the cause names
-- columns: session_id (the session), user_id (personal: the student), status (its status), cause (the contradiction), started_at
--   (start), submitted_at (end), last_answer_at (last answer, where that is the contradiction)
-- looks-at: sessions
-- cost: one pass over the sessions and one over the answers; 1 s for 2 million answers
-- note: An answer within a second after the submit is a race that inconsistent-scores judges by its effect.
--   Offline sync (TUTOR sessions without questions) brings times of the student's device; these are exempt.
WITH contradictions AS (
  SELECT s.id, s.user_id, s.status, s.mode, s.started_at, s.submitted_at, c.cause, NULL::timestamptz AS last_answer_at
  FROM test_sessions s
  CROSS JOIN LATERAL (
    VALUES
      ('SUBMITTED without submitted_at', s.status = 'SUBMITTED' AND s.submitted_at IS NULL),
      ('EXPIRED without submitted_at', s.status = 'EXPIRED' AND s.submitted_at IS NULL),
      ('ACTIVE with submitted_at', s.status = 'ACTIVE' AND s.submitted_at IS NOT NULL),
      (
        'ACTIVE with a score',
        s.status = 'ACTIVE' AND num_nonnulls(s.score_correct, s.score_total, s.score_pct) > 0
      ),
      ('submitted before it started', s.submitted_at < s.started_at)
  ) c(cause, holds)
  WHERE c.holds AND ($1::timestamptz IS NULL OR s.started_at >= $1)
  UNION ALL
  SELECT
    s.id, s.user_id, s.status, s.mode, s.started_at, s.submitted_at, 'answered after its end', max(a.answered_at)
  FROM test_sessions s
  JOIN session_answers a ON a.session_id = s.id AND a.answered_at > s.submitted_at + interval '1 second'
  WHERE s.status <> 'ACTIVE' AND ($1::timestamptz IS NULL OR s.started_at >= $1)
  GROUP BY s.id
)
SELECT id AS session_id, user_id, status::text AS status, cause, started_at, submitted_at, last_answer_at
FROM contradictions c
WHERE NOT (
  c.mode = 'TUTOR' AND NOT EXISTS (SELECT FROM session_questions q WHERE q.session_id = c.id)
)
