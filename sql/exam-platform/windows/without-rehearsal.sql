-- id: without-rehearsal
-- title: sessions of students who are neither at the e-mail domain $1 (text or null) nor among $2 (uuid[])
SELECT s.id
FROM test_sessions s
WHERE s.user_id <> ALL ($2::uuid[])
  AND NOT EXISTS (
    SELECT FROM users u WHERE u.id = s.user_id AND right(lower(u.email), length($1::text) + 1) = '@' || lower($1::text)
  )
