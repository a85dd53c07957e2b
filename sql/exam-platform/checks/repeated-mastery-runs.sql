-- id: repeated-mastery-runs
-- title: each mastery computation ran once
-- question: which algorithm runs were started again for the same student, session and algorithm within five seconds?
-- severity: minor
-- finding: an attempt of the student may have been counted twice in an algorithm that adds up
-- remedy: recompute the student's mastery (POST /learning/mastery/recompute) after the exam
-- columns: user_id (personal: the student), algo_version_id (the algorithm), session_id (the session, empty when for all), run_id
--   (the run), previous_run_id (the run before), started_at (start), seconds_after (distance to the run before)
-- cost: index; sorts algo_runs, milliseconds
-- window: time
-- occurred: started_at
-- suite: core
-- note: Duplicates cannot be seen in user_theme_mastery itself: it is unique by student and theme, and written by upsert.
--   constraints-valid proves that rule. A run that failed may be repeated.
WITH runs AS (
  SELECT
    id, user_id, algo_version_id, session_id, started_at,
    lag(id) OVER same AS previous_run_id,
    lag(started_at) OVER same AS previous_started_at
  FROM algo_runs
  WHERE user_id IS NOT NULL AND status <> 'FAILED'
  WINDOW same AS (PARTITION BY user_id, algo_version_id, session_id ORDER BY started_at, id)
)
SELECT
  user_id, algo_version_id, session_id, id AS run_id, previous_run_id, started_at,
  round(extract(epoch FROM started_at - previous_started_at), 3)::float8 AS seconds_after
FROM runs
WHERE started_at - previous_started_at < interval '5 seconds'
