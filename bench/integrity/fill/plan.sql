-- Who sits when, which questions are drawn and what is answered: all follows from the number of the session (from 1) and the
-- position of the question (from 1), so that every table is filled without asking another, and the same each time.
-- A function is inlined, and so ten times faster, only when nothing in it is more volatile than it says.
-- 400 sessions are one exam; the next begins three hours later.
-- Position 13 is answered wrongly everywhere and logged, position 14 is answered wrongly and not logged: what a defect does to
-- these answers leaves the score alone.

CREATE SCHEMA bench;

CREATE FUNCTION bench.uuid(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT md5(kind || number::text)::uuid
$$;

CREATE FUNCTION bench.draw(n int, place int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashint8extended(n::bigint * 64 + place, 0)
$$;

-- The step has no divisor in common with 2,000, so that no question is drawn twice.
CREATE FUNCTION bench.question_no(n int, place int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT (((bench.draw(n, 0) & 2047) + place * (1 + 10 * ((bench.draw(n, 0) >> 11) & 127))) % 2000)::int
$$;

CREATE FUNCTION bench.is_blank(n int, place int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT place NOT IN (1, 13, 14) AND (bench.draw(n, place) & 1023) < 35
$$;

-- How far the choice is from the correct option: 0 is right, NULL was cleared again.
CREATE FUNCTION bench.miss(n int, place int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN place IN (13, 14) THEN 1 + ((bench.draw(n, place) >> 20) & 3)::int
    WHEN place <> 1 AND (bench.draw(n, place) & 1023) BETWEEN 35 AND 39 THEN NULL
    WHEN ((bench.draw(n, place) >> 10) & 1023) < 640 THEN 0
    ELSE 1 + ((bench.draw(n, place) >> 20) & 3)::int
  END
$$;

CREATE FUNCTION bench.exam_at(exam int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT timestamptz '2025-01-06 08:00:00+00' + exam * interval '3 hours'
$$;

-- Each student in turn, in another order for each place, every 0.28 s.
CREATE FUNCTION bench.seat(turn int, place int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT (turn * 173 + place * 97) % 400
$$;

CREATE FUNCTION bench.answered_at(exam int, place int, turn int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT bench.exam_at(exam) + (place * 120 + turn * 0.28::float8) * interval '1 second'
$$;

CREATE TABLE bench.users AS
SELECT no, bench.uuid('user', no) AS id FROM generate_series(1, 20000) AS no;

CREATE TABLE bench.questions AS
SELECT no, bench.uuid('question', no) AS id, bench.uuid('version', no) AS version_id, no % 5 AS correct_index
FROM generate_series(0, 1999) AS no;

CREATE TABLE bench.sessions AS
SELECT
  n, bench.uuid('session', n) AS id, u.id AS user_id,
  -- nobody submits for these; they end by their time
  n % 50 = 49 AS expired,
  bench.exam_at((n - 1) / 400) + (n - 1) % 400 * interval '0.2 seconds' AS started_at,
  CASE
    WHEN n % 50 = 49 THEN bench.exam_at((n - 1) / 400) + interval '1 hour' + (n - 1) % 400 * interval '0.2 seconds'
    ELSE bench.exam_at((n - 1) / 400) + interval '53 minutes' + (n - 1) % 400 * interval '0.5 seconds'
  END AS ended_at,
  a.right_answers, a.blanks
FROM generate_series(1, current_setting('bench.sessions')::int) AS n
JOIN bench.users u ON u.no = 1 + n % 20000
CROSS JOIN LATERAL (
  SELECT
    count(*) FILTER (WHERE bench.miss(n, place) = 0 AND NOT bench.is_blank(n, place))::int AS right_answers,
    count(*) FILTER (WHERE bench.is_blank(n, place))::int AS blanks
  FROM generate_series(1, 25) AS place
) a;

ALTER TABLE bench.sessions ADD PRIMARY KEY (n);
ANALYZE bench.users, bench.questions, bench.sessions;
