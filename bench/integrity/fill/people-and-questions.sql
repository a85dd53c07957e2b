INSERT INTO users (id, email, full_name, role, email_verified, onboarding_completed)
SELECT id, format('student-%s@students.example', no), 'Student ' || no, 'STUDENT', true, true
FROM bench.users;

INSERT INTO themes (id, block_id, title, order_no)
SELECT no, 1 + no % 6, 'Theme ' || no, no
FROM generate_series(1, 2 + current_setting('bench.sessions')::int * 5 / 20000) AS no
ON CONFLICT DO NOTHING;

INSERT INTO questions (id, external_id, stem, option_a, option_b, option_c, option_d, option_e, correct_index, explanation_md,
  status, year_id, block_id, theme_id, created_by, updated_by, published_at)
SELECT
  q.id, 'B-' || q.no, format('Question %s: which of the five applies?', q.no), 'first', 'second', 'third', 'fourth', 'fifth',
  q.correct_index, 'The answer follows from the number.', 'PUBLISHED', 1, 1, 1, u.id, u.id, '2025-01-01'
FROM bench.questions q
JOIN bench.users u ON u.no = 1;

INSERT INTO question_versions (id, question_id, version_no, snapshot)
SELECT
  b.version_id, q.id, 1,
  to_jsonb(q) - '{id,status,created_by,updated_by,created_at,updated_at,published_at,external_id}'::text[]
FROM bench.questions b
JOIN questions q ON q.id = b.id;

INSERT INTO algo_versions (id, algo_key, version) VALUES (bench.uuid('algorithm', 1), 'mastery', 'bench');
INSERT INTO algo_params (id, algo_version_id) VALUES (bench.uuid('params', 1), bench.uuid('algorithm', 1));
INSERT INTO algo_runs (id, algo_version_id, params_id, status)
VALUES (bench.uuid('run', 1), bench.uuid('algorithm', 1), bench.uuid('params', 1), 'SUCCESS');
