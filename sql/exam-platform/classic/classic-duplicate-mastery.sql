-- id: classic-duplicate-mastery
-- title: no mastery row is there twice (as scripted)
-- question: which students have more than one mastery row for a theme?
-- severity: minor
-- finding: a student with two mastery rows for one theme
-- remedy: see constraints-valid and repeated-mastery-runs
-- columns: user_id (personal: the student), theme_id (the theme), updates (rows), last_at (last computation)
-- cost: scan; groups all mastery rows, 2 s for 2 million
-- window: none
-- note: Can never find anything: the table is unique by student and theme, and written by upsert. Replaced by
--   constraints-valid, which proves that rule, and by repeated-mastery-runs.
SELECT user_id, theme_id, count(*) AS updates, max(computed_at) AS last_at
FROM user_theme_mastery
GROUP BY user_id, theme_id
HAVING count(*) > 1
ORDER BY updates DESC
