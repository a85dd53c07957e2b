-- id: sessions
-- title: the sessions $1 (uuid[])
SELECT id FROM test_sessions WHERE id = ANY ($1::uuid[])
