-- id: unfrozen-questions
-- title: each question was frozen when it was handed out
-- question: which questions of sessions have neither a snapshot nor a version?
-- severity: minor
-- finding: an edit of the question would change what the student is shown and how the answer is judged
-- remedy: do not edit these questions before the exam has been scored; wrong-correctness cannot judge their answers
-- columns: session_id (the session), question_id (the question), user_id (personal: the student), position (its place), created_at
--   (when it was handed out)
-- looks-at: questions
-- cost: scan; one pass over session_questions, 1.5 s for 10 million
-- window: sessions
-- occurred: created_at
SELECT q.session_id, q.question_id, s.user_id, q.position, q.created_at
FROM session_questions q
JOIN test_sessions s ON s.id = q.session_id
WHERE q.snapshot_json IS NULL AND q.question_version_id IS NULL
