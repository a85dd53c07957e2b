-- The platform writes the questions of a session together, when it is made. Frozen by version only: ten million snapshots
-- would be eight gigabytes that no check but wrong-correctness reads.
INSERT INTO session_questions (id, session_id, position, question_id, question_version_id, created_at)
SELECT bench.uuid('sq', n::bigint * 25 + place), s.id, place, q.id, q.version_id, s.started_at
FROM (
  SELECT row_no / 25 + 1 AS n, row_no % 25 + 1 AS place
  FROM (
    SELECT generate_series(0, current_setting('bench.sessions')::int * 25 - 1) AS row_no
  ) rows
  OFFSET 0
) drawn
JOIN bench.sessions s USING (n)
JOIN bench.questions q ON q.no = bench.question_no(n, place)
