-- Of the answers other than those at the first and thirteenth position, whose events are there.
INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json, created_at)
SELECT
  bench.uuid('answered', s.n::bigint * 2000 + q.no), 'ANSWER_SUBMITTED', a.answered_at + interval '15 milliseconds',
  a.session_id, s.user_id, 'api',
  jsonb_build_object(
    'question_id', a.question_id, 'selected_index', a.selected_index, 'changed_count', 0, 'marked_for_review', false
  ),
  a.answered_at + interval '15 milliseconds'
FROM session_answers a
JOIN bench.sessions s ON s.id = a.session_id
JOIN bench.questions q ON q.id = a.question_id
WHERE q.no NOT IN (bench.question_no(s.n, 1), bench.question_no(s.n, 13))
