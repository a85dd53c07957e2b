-- id: answers-after-end
-- title: no answer was given after the end
-- question: which ended sessions have an answer that was given more than a second after their end?
-- severity: major
-- finding: the platform took an answer of the student after the exam was handed in or had expired
-- remedy: read the session's events in order (SELECT * FROM attempt_events WHERE session_id = ... ORDER BY event_ts), and decide
--   whether the answer counts
-- columns: session_id (the session), user_id (personal: the student), status (its status), submitted_at (end),
--   last_answer_at (last answer)
-- looks-at: sessions
-- cost: scan; one pass over session_answers, once for all checks of verdicts and scores
-- window: sessions
-- occurred: last_answer_at
-- suite: core
-- note: An answer within a second after the submit is a race that inconsistent-scores judges by its effect.
--   Offline sync (TUTOR sessions without questions) brings times of the student's device; these are exempt.
SELECT s.session_id, s.user_id, s.status::text AS status, s.submitted_at, s.last_answered_at AS last_answer_at
FROM doubtful_sessions s
WHERE s.status <> 'ACTIVE' AND s.last_answered_at > s.submitted_at + interval '1 second'
  AND (
    s.mode <> 'TUTOR'
    OR (SELECT q.session_id FROM session_questions q WHERE q.session_id = s.session_id LIMIT 1) IS NOT NULL
  )
