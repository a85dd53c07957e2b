-- id: exam
-- title: exam sessions that started from $1 until before $2 (timestamptz)
-- note: There is no table of exams: an exam is a set of sessions of mode EXAM in a time window.
SELECT id FROM test_sessions WHERE mode = 'EXAM' AND started_at >= $1::timestamptz AND started_at < $2::timestamptz
