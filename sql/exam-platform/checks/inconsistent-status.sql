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
-- cost: scan; one pass over session_answers, once for all checks of answers
-- window: sessions
-- occurred: started_at
-- suite: core
-- note: An answer within a second after the submit is a race that inconsistent-scores judges by its effect.
--   Offline sync (TUTOR sessions without questions) brings times of the student's device; these are exempt.
WITH suspects AS MATERIALIZED (
  SELECT *
  FROM answered_sessions
  WHERE (status = 'ACTIVE') = (submitted_at IS NOT NULL)
    OR (status = 'ACTIVE' AND num_nonnulls(score_correct, score_total, score_pct) > 0)
    OR submitted_at < started_at
    OR last_answered_at > submitted_at + interval '1 second'
)
SELECT
  s.session_id, s.user_id, s.status::text AS status, k.cause, s.started_at, s.submitted_at,
  CASE WHEN k.cause = 'answered after its end' THEN s.last_answered_at END AS last_answer_at
FROM suspects s
CROSS JOIN LATERAL (
  VALUES
    ('SUBMITTED without submitted_at', s.status = 'SUBMITTED' AND s.submitted_at IS NULL),
    ('EXPIRED without submitted_at', s.status = 'EXPIRED' AND s.submitted_at IS NULL),
    ('ACTIVE with submitted_at', s.status = 'ACTIVE' AND s.submitted_at IS NOT NULL),
    ('ACTIVE with a score', s.status = 'ACTIVE' AND num_nonnulls(s.score_correct, s.score_total, s.score_pct) > 0),
    ('submitted before it started', s.submitted_at < s.started_at),
    ('answered after its end', s.status <> 'ACTIVE' AND s.last_answered_at > s.submitted_at + interval '1 second')
) k(cause, holds)
WHERE k.holds
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.session_id LIMIT 1) IS NOT NULL
  )
