-- In the order of time: the answers of one exam's students lie between each other, those of one session on 25 pages.
INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at, created_at)
SELECT
  bench.uuid('answer', n::bigint * 25 + place), s.id, q.id, (q.correct_index + miss) % 5, miss = 0, at, at
FROM (
  SELECT n, place, bench.miss(n, place) AS miss, bench.answered_at(exam, place, turn) AS at
  FROM (
    SELECT exam, place, turn, exam * 400 + bench.seat(turn, place) + 1 AS n
    FROM (
      SELECT row_no / 10000 AS exam, row_no % 10000 / 400 + 1 AS place, row_no % 400 AS turn
      FROM (
        SELECT generate_series(0, ceil(current_setting('bench.sessions')::int / 400.0)::int * 10000 - 1) AS row_no
      ) rows
    ) turns
    OFFSET 0
  ) seats
  WHERE n <= current_setting('bench.sessions')::int AND NOT bench.is_blank(n, place)
  OFFSET 0
) given
JOIN bench.sessions s USING (n)
JOIN bench.questions q ON q.no = bench.question_no(n, place)
