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
SELECT
  a.session_id, a.question_id, s.user_id, a.selected_index, a.is_correct,
  greatest(a.updated_at, a.answered_at, a.created_at) AS written_at
FROM session_answers a
JOIN test_sessions s ON s.id = a.session_id
-- An array, so that the answers of the few are looked up, and not all read again.
WHERE a.session_id = ANY (ARRAY(SELECT session_id FROM judged_answers WHERE misjudged_answers > 0))
  AND (a.selected_index IS NULL) <> (a.is_correct IS NULL)
