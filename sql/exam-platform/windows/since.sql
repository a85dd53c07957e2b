-- id: since
-- title: sessions that started at or after $1 (timestamptz)
SELECT id FROM test_sessions WHERE started_at >= $1::timestamptz
