-- Four a session, in the order of time: made, first and thirteenth answer, and submitted or, when it expired, looked at.
INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json, created_at)
SELECT bench.uuid('event', n::bigint * 4 + phase), event_type, event_ts, id, user_id, 'api', payload, event_ts
FROM (
  SELECT
    w.n, w.phase, s.id, s.user_id,
    CASE
      WHEN w.phase = 0 THEN 'SESSION_CREATED'
      WHEN w.place IS NOT NULL THEN 'ANSWER_SUBMITTED'
      WHEN s.expired THEN 'SESSION_REVIEW_VIEWED'
      ELSE 'SESSION_SUBMITTED'
    END AS event_type,
    CASE
      WHEN w.phase = 0 THEN s.started_at
      WHEN w.place IS NOT NULL THEN bench.answered_at(w.exam, w.place, w.turn) + interval '15 milliseconds'
      ELSE s.ended_at + interval '15 milliseconds'
    END AS event_ts,
    CASE
      WHEN w.phase = 0 THEN '{"mode": "EXAM", "year": 1, "blocks": ["A"], "themes": null, "count": 25, "duration_seconds": 3600}'
      WHEN w.place IS NOT NULL THEN jsonb_build_object(
        'question_id', q.id,
        'selected_index', (q.correct_index + bench.miss(w.n, w.place)) % 5,
        'changed_count', 0,
        'marked_for_review', false
      )
      WHEN s.expired THEN '{}'
      ELSE jsonb_build_object(
        'score_correct', s.right_answers,
        'score_total', 25,
        'score_pct', round(100.0 * s.right_answers / 25, 2)
      )
    END AS payload
  FROM (
    SELECT
      exam, phase, place, turn,
      exam * 400 + CASE WHEN place IS NULL THEN turn ELSE bench.seat(turn, place) END + 1 AS n
    FROM (
      SELECT
        row_no / 1600 AS exam,
        row_no % 1600 / 400 AS phase,
        CASE row_no % 1600 / 400 WHEN 1 THEN 1 WHEN 2 THEN 13 END AS place,
        row_no % 400 AS turn
      FROM (
        SELECT generate_series(0, ceil(current_setting('bench.sessions')::int / 400.0)::int * 1600 - 1) AS row_no
      ) rows
    ) turns
    OFFSET 0
  ) w
  JOIN bench.sessions s USING (n)
  LEFT JOIN bench.questions q ON q.no = bench.question_no(w.n, w.place)
) events
