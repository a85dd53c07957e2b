-- id: count-answers
-- title: how many answers the checks looked at
-- question: how many answers are there?
-- severity: info
-- finding: one row of counts; nothing about it is wrong
-- remedy: none is needed
-- columns: answers (rows of session_answers), cleared_answers (touched and left without a choice: allowed)
-- cost: scan; one pass over session_answers, once for all checks of answers
-- window: sessions
-- suite: core
SELECT
  coalesce(sum(answers), 0)::float8 AS answers,
  coalesce(sum(answers - chosen_answers), 0)::float8 AS cleared_answers
FROM answered_sessions
