-- id: constraints-valid
-- title: the database enforces the rules of the exam tables
-- question: are the foreign keys, unique and check constraints and append-only triggers there, validated and enabled?
-- severity: critical
-- finding: a rule is not enforced: answers and events can be orphaned, doubled or rewritten without an error
-- remedy: re-create or enable it (ALTER TABLE ... VALIDATE CONSTRAINT ..., ALTER TABLE ... ENABLE TRIGGER ALL), then run the
--   other checks without --since
-- columns: table_name (the table), object (the constraint or trigger), cause (what is wrong with it)
-- cost: catalogue; milliseconds
-- window: none
-- suite: core
WITH exam_tables(table_name) AS (
  VALUES ('test_sessions'), ('session_questions'), ('session_answers'), ('attempt_events'),
    ('session_runtime_snapshot'), ('user_theme_mastery')
),
expected_keys(table_name, column_name, target) AS (
  VALUES
    ('test_sessions', 'user_id', 'users'),
    ('session_questions', 'session_id', 'test_sessions'),
    ('session_questions', 'question_id', 'questions'),
    ('session_questions', 'question_version_id', 'question_versions'),
    ('session_answers', 'session_id', 'test_sessions'),
    ('session_answers', 'question_id', 'questions'),
    ('attempt_events', 'session_id', 'test_sessions'),
    ('attempt_events', 'user_id', 'users'),
    ('session_runtime_snapshot', 'session_id', 'test_sessions'),
    ('user_theme_mastery', 'user_id', 'users')
),
expected_constraints(table_name, name) AS (
  VALUES
    ('test_sessions', 'chk_test_sessions_submitted_at'),
    ('session_questions', 'uq_session_question_position'),
    ('session_questions', 'uq_session_question_id'),
    ('session_answers', 'uq_session_answer'),
    ('session_answers', 'chk_session_answers_selected_index'),
    ('user_theme_mastery', 'uq_user_theme_mastery')
),
expected_triggers(name) AS (
  VALUES ('trg_attempt_events_no_update'), ('trg_attempt_events_no_delete')
),
constraints AS (
  SELECT t.table_name, c.oid, c.conname, c.contype, c.convalidated, c.confrelid, c.conrelid, c.conkey
  FROM exam_tables t
  JOIN pg_constraint c ON c.conrelid = to_regclass(t.table_name)
),
unique_indexes AS (
  SELECT t.table_name, i.relname
  FROM exam_tables t
  JOIN pg_index x ON x.indrelid = to_regclass(t.table_name) AND x.indisunique AND x.indisvalid
  JOIN pg_class i ON i.oid = x.indexrelid
)
SELECT table_name, table_name AS object, 'the table is missing' AS cause
FROM exam_tables
WHERE to_regclass(table_name) IS NULL
UNION ALL
SELECT k.table_name, k.column_name || ' -> ' || k.target, 'the foreign key is missing'
FROM expected_keys k
WHERE to_regclass(k.table_name) IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM constraints c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
    WHERE c.table_name = k.table_name AND c.contype = 'f' AND a.attname = k.column_name
      AND c.confrelid = to_regclass(k.target)
  )
UNION ALL
SELECT e.table_name, e.name, 'the constraint is missing'
FROM expected_constraints e
WHERE to_regclass(e.table_name) IS NOT NULL
  AND NOT EXISTS (SELECT FROM constraints c WHERE c.table_name = e.table_name AND c.conname = e.name)
  AND NOT EXISTS (SELECT FROM unique_indexes i WHERE i.table_name = e.table_name AND i.relname = e.name)
UNION ALL
SELECT c.table_name, c.conname, 'the constraint was never validated (NOT VALID)'
FROM constraints c
WHERE NOT c.convalidated
UNION ALL
SELECT c.table_name, c.conname, 'the triggers of the foreign key are disabled'
FROM constraints c
JOIN pg_trigger g ON g.tgconstraint = c.oid
WHERE c.contype = 'f' AND g.tgenabled NOT IN ('O', 'A')
GROUP BY c.table_name, c.conname
UNION ALL
SELECT 'attempt_events', e.name, CASE WHEN g.oid IS NULL THEN 'the trigger is missing' ELSE 'the trigger is disabled' END
FROM expected_triggers e
LEFT JOIN pg_trigger g ON g.tgrelid = to_regclass('attempt_events') AND g.tgname = e.name
WHERE to_regclass('attempt_events') IS NOT NULL AND (g.oid IS NULL OR g.tgenabled NOT IN ('O', 'A'))
