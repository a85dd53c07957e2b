-- Theme by theme, so that the rows of one student lie far apart, as upserts over weeks leave them.
INSERT INTO user_theme_mastery (id, user_id, year, block_id, theme_id, attempts_total, correct_total, accuracy_pct,
  mastery_score, computed_at, algo_version_id, params_id, run_id)
SELECT
  bench.uuid('mastery', row_no), u.id, 1, t.block_id, t.id, 10, row_no % 11, row_no % 11 * 10, row_no % 11 / 10.0,
  timestamptz '2025-06-01 00:00:00+00' + row_no * interval '1 second',
  bench.uuid('algorithm', 1), bench.uuid('params', 1), bench.uuid('run', 1)
FROM (
  SELECT generate_series(0, current_setting('bench.sessions')::int * 5 - 1) AS row_no
  OFFSET 0
) rows
JOIN bench.users u ON u.no = 1 + row_no % 20000
JOIN themes t ON t.id = 1 + row_no / 20000
