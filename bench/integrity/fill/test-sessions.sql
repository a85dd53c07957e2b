INSERT INTO test_sessions (id, user_id, mode, status, year, blocks_json, total_questions, started_at, submitted_at,
  duration_seconds, expires_at, score_correct, score_total, score_pct, created_at, updated_at, exam_mode_at_start)
SELECT
  id, user_id, 'EXAM', CASE WHEN expired THEN 'EXPIRED' ELSE 'SUBMITTED' END::session_status, 1, '["A"]', 25, started_at,
  ended_at, 3600, started_at + interval '1 hour', right_answers, 25, round(100.0 * right_answers / 25, 2), started_at,
  ended_at, true
FROM bench.sessions
ORDER BY n
