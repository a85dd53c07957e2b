-- $1 other students hand in: two rows each.
WITH submitted AS (
  UPDATE test_sessions s
  SET
    status = 'SUBMITTED', submitted_at = now(), updated_at = now(), score_correct = marked.correct,
    score_total = s.total_questions, score_pct = round(100.0 * marked.correct / s.total_questions, 2)
  FROM (
    SELECT t.id, (SELECT count(*)::int FROM session_answers a WHERE a.session_id = t.id AND a.is_correct) AS correct
    FROM test_sessions t
    WHERE t.status = 'ACTIVE' AND t.expires_at > now()
    ORDER BY t.id
    LIMIT $1
  ) marked
  WHERE s.id = marked.id
  RETURNING s.*
)
INSERT INTO attempt_events (id, event_type, session_id, user_id, source, payload_json)
SELECT
  gen_random_uuid(), 'SESSION_SUBMITTED', id, user_id, 'api',
  jsonb_build_object('score_correct', score_correct, 'score_total', score_total, 'score_pct', score_pct)
FROM submitted
