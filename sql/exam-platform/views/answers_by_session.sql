-- id: answers_by_session
-- title: the answers of each session, counted
-- columns: session_id, answers, chosen_answers (with a choice), correct_answers,
--   misjudged_answers (a choice without a verdict, or a verdict without a choice), last_answered_at
-- cost: scan; one pass over session_answers
SELECT
  session_id,
  count(*)::int AS answers,
  count(selected_index)::int AS chosen_answers,
  (count(*) FILTER (WHERE is_correct))::int AS correct_answers,
  (count(*) FILTER (WHERE (selected_index IS NULL) <> (is_correct IS NULL)))::int AS misjudged_answers,
  max(answered_at) AS last_answered_at
FROM session_answers
GROUP BY session_id
