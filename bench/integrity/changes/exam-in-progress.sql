-- $1 students are in an exam of 25 questions that began 20 minutes ago, and have answered the first ten.
WITH drawable AS MATERIALIZED (
  SELECT
    v.question_id, v.id AS version_id, (v.snapshot ->> 'correct_index')::int AS correct_index,
    row_number() OVER (ORDER BY v.id) - 1 AS no,
    count(*) OVER () AS of
  FROM question_versions v
  JOIN questions q ON q.id = v.question_id AND q.external_id LIKE 'B-%'
),
students AS MATERIALIZED (
  SELECT id AS user_id, gen_random_uuid() AS session_id, row_number() OVER (ORDER BY id) AS n
  FROM users
  WHERE role = 'STUDENT'
  ORDER BY id
  LIMIT $1
),
drawn AS MATERIALIZED (
  SELECT
    s.session_id, s.user_id, place, d.question_id, d.version_id, d.correct_index, (s.n + place) % 5 AS choice,
    now() - interval '20 minutes' + place * interval '1 minute' + s.n * interval '50 milliseconds' AS answered_at
  FROM students s
  CROSS JOIN generate_series(1, 25) AS place
  JOIN drawable d ON d.no = (s.n * 25 + place) % d.of
),
sessions AS (
  INSERT INTO test_sessions (id, user_id, mode, status, year, blocks_json, total_questions, started_at, duration_seconds,
    expires_at, created_at, exam_mode_at_start)
  SELECT
    session_id, user_id, 'EXAM', 'ACTIVE', 1, '["A"]', 25, now() - interval '20 minutes', 7200,
    now() + interval '100 minutes', now() - interval '20 minutes', true
  FROM students
),
created AS (
  INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json, created_at)
  SELECT
    gen_random_uuid(), 'SESSION_CREATED', now() - interval '20 minutes', session_id, user_id, 'api',
    '{"mode": "EXAM", "year": 1, "blocks": ["A"], "themes": null, "count": 25, "duration_seconds": 7200}',
    now() - interval '20 minutes'
  FROM students
),
questions_of_sessions AS (
  INSERT INTO session_questions (id, session_id, position, question_id, question_version_id, created_at)
  SELECT gen_random_uuid(), session_id, place, question_id, version_id, now() - interval '20 minutes' FROM drawn
),
answers AS (
  INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at, created_at, updated_at)
  SELECT gen_random_uuid(), session_id, question_id, choice, choice = correct_index, answered_at, answered_at, answered_at
  FROM drawn
  WHERE place <= 10
)
INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json, created_at)
SELECT
  gen_random_uuid(), 'ANSWER_SUBMITTED', answered_at + interval '15 milliseconds', session_id, user_id, 'api',
  jsonb_build_object('question_id', question_id, 'selected_index', choice, 'changed_count', 0, 'marked_for_review', false),
  answered_at + interval '15 milliseconds'
FROM drawn
WHERE place <= 10
