-- id: event-gaps
-- title: no event of a session is missing in between
-- question: in which sessions do the numbers of the client's events have gaps or repeats?
-- severity: minor
-- finding: part of the record of the student's exam never arrived, or arrived twice
-- remedy: ask the student whether the connection broke at that time; the answers themselves are judged by lost-answers
-- columns: session_id (the session), user_id (personal: the student), cause (gap or repeat), events (events with a number),
--   first_seq (lowest number), last_seq (highest number), first_at (first event), last_at (last event)
-- looks-at: events
-- cost: scan; one pass over the events with a number
-- window: sessions
-- occurred: last_at
-- note: Only events that carry a number (seq): those of the server have none.
SELECT
  e.session_id, s.user_id,
  concat_ws(' and ', CASE WHEN distinct_seq < last_seq - first_seq + 1 THEN 'gap' END, CASE WHEN distinct_seq < events THEN 'repeat' END) AS cause,
  e.events, e.first_seq, e.last_seq, e.first_at, e.last_at
FROM (
  SELECT
    session_id,
    count(*)::int AS events,
    count(DISTINCT seq)::int AS distinct_seq,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    min(event_ts) AS first_at,
    max(event_ts) AS last_at
  FROM attempt_events
  WHERE seq IS NOT NULL
  GROUP BY session_id
) e
JOIN test_sessions s ON s.id = e.session_id
WHERE distinct_seq < last_seq - first_seq + 1 OR distinct_seq < events
