-- id: judged_answers
-- title: the answers of each session, and what they say
-- columns: session_id, answers, correct_answers, cleared_answers (given, and taken back), misjudged_answers (a
--   choice without a verdict, or a verdict without a choice), last_answered_at
-- cost: scan; one pass over session_answers itself
SELECT
  session_id,
  count(*)::int AS answers,
  (count(*) FILTER (WHERE is_correct))::int AS correct_answers,
  (count(*) FILTER (WHERE selected_index IS NULL AND answered_at IS NOT NULL))::int AS cleared_answers,
  (count(*) FILTER (WHERE (selected_index IS NULL) <> (is_correct IS NULL)))::int AS misjudged_answers,
  max(answered_at) AS last_answered_at
FROM session_answers
GROUP BY session_id
