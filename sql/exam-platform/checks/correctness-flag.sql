-- id: correctness-flag
-- title: each choice was judged, and nothing else
-- question: which answers have a choice and no verdict, or a verdict and no choice?
-- severity: major
-- finding: the student's choice is not counted, or an empty answer is
-- remedy: judge the answer again against the frozen question (session_questions.snapshot_json) and recount the session
-- columns: session_id (the session), question_id (the question), user_id (personal: the student), selected_index (the choice),
--   is_correct (the verdict), written_at (last write)
-- looks-at: answers
-- cost: one pass over the answers; 0.2 s for 2 million
SELECT
  a.session_id, a.question_id, s.user_id, a.selected_index, a.is_correct,
  greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
JOIN test_sessions s ON s.id = a.session_id
WHERE (a.selected_index IS NULL) <> (a.is_correct IS NULL)
  AND ($1::timestamptz IS NULL OR s.started_at >= $1)
