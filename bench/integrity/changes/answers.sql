-- $2 students, in each round the same, answer the question at a position that follows from the number of the round, $1, or
-- change their answer to it: two rows each.
WITH given AS MATERIALIZED (
  SELECT s.id AS session_id, s.user_id, q.question_id, hashtext(s.id::text || $1::text) & 3 AS choice, v.snapshot
  FROM (
    SELECT id, user_id
    FROM test_sessions
    WHERE status = 'ACTIVE' AND expires_at > now()
    ORDER BY id DESC
    LIMIT $2
  ) s
  JOIN session_questions q ON q.session_id = s.id AND q.position = 1 + $1::int * 7 % 25
  JOIN question_versions v ON v.id = q.question_version_id
),
answers AS (
  INSERT INTO session_answers AS a (id, session_id, question_id, selected_index, is_correct, answered_at, updated_at)
  SELECT
    gen_random_uuid(), session_id, question_id, choice, choice = (snapshot ->> 'correct_index')::int, now(), now()
  FROM given
  ON CONFLICT ON CONSTRAINT uq_session_answer DO UPDATE SET
    selected_index = excluded.selected_index,
    is_correct = excluded.is_correct,
    changed_count = a.changed_count + 1,
    answered_at = excluded.answered_at,
    updated_at = excluded.updated_at
  RETURNING session_id, question_id, selected_index, changed_count
)
INSERT INTO attempt_events (id, event_type, session_id, user_id, source, payload_json)
SELECT
  gen_random_uuid(), 'ANSWER_SUBMITTED', a.session_id, g.user_id, 'api',
  jsonb_build_object('question_id', a.question_id, 'selected_index', a.selected_index, 'changed_count', a.changed_count,
    'marked_for_review', false)
FROM answers a
JOIN given g USING (session_id)
