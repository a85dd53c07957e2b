-- id: correctness-flag
-- title: each choice was judged, and nothing else
-- question: which answers have a choice and no verdict, or a verdict and no choice?
-- severity: major
-- finding: the student's choice is not counted, or an empty answer is
-- remedy: judge the answer again against the frozen question (session_questions.snapshot_json) and recount the session
-- columns: session_id (the session), question_id (the question), user_id (personal: the student), selected_index (the choice),
--   is_correct (the verdict), written_at (last write)
-- looks-at: answers
-- cost: scan; one pass over session_answers, once for all checks of verdicts and scores
-- window: sessions
-- occurred: written_at
-- suite: core
SELECT s.session_id, a.question_id, s.user_id, a.selected_index, a.is_correct, a.written_at
FROM judged_sessions s
-- OFFSET 0 keeps the few sessions in front: their answers are looked up, not all answers read again.
CROSS JOIN LATERAL (
  SELECT question_id, selected_index, is_correct, greatest(updated_at, answered_at, created_at) AS written_at
  FROM session_answers
  WHERE session_id = s.session_id AND (selected_index IS NULL) <> (is_correct IS NULL)
  OFFSET 0
) a
WHERE s.misjudged_answers > 0
