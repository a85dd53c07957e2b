-- id: wrong-correctness
-- title: each answer is judged by the question as it was handed out
-- question: which verdicts differ from the frozen correct option?
-- severity: critical
-- finding: a right answer of the student counts as wrong, or a wrong one as right
-- remedy: see whether the question was changed during the exam, judge the answers again against the frozen question, recount the
--   sessions
-- columns: session_id (the session), question_id (the question), user_id (personal: the student), selected_index (the choice),
--   correct_index (the frozen correct option), is_correct (the stored verdict), written_at (last write)
-- looks-at: answers
-- cost: join; reads the frozen question of each answer, 20 s for 10 million answers
-- window: sessions
-- settings: enable_mergejoin=off
-- occurred: written_at
-- note: The frozen question is snapshot_json, or the question version when that is empty. Neither: unfrozen-questions.
WITH judged AS (
  SELECT
    a.session_id, a.question_id, s.user_id, a.selected_index, a.is_correct,
    coalesce(q.snapshot_json ->> 'correct_index', v.snapshot ->> 'correct_index') AS correct_index,
    greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
  FROM session_answers a
  JOIN test_sessions s ON s.id = a.session_id
  JOIN session_questions q ON q.session_id = a.session_id AND q.question_id = a.question_id
  LEFT JOIN question_versions v ON v.id = q.question_version_id AND q.snapshot_json ->> 'correct_index' IS NULL
  WHERE a.selected_index IS NOT NULL AND a.is_correct IS NOT NULL
)
SELECT session_id, question_id, user_id, selected_index, correct_index, is_correct, written_at
FROM judged
WHERE correct_index IS NOT NULL AND is_correct <> (selected_index::text = correct_index)
