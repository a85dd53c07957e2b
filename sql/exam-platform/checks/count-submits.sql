-- id: count-submits
-- title: how many submits the checks looked at
-- question: how many submits did the platform log, and how many of them again?
-- severity: info
-- finding: one row of counts; nothing about it is wrong
-- remedy: none is needed
-- columns: submits (submits that the platform logged), repeated_submits (sessions whose submit was logged again with the
--   same score: harmless)
-- cost: scan; the SESSION_SUBMITTED events, once for all checks of submits
-- window: sessions
-- suite: core
SELECT
  coalesce(sum(submits), 0)::float8 AS submits,
  ((count(*) FILTER (WHERE submits > 1)) - (SELECT count(*) FROM contradictory_sessions))::int AS repeated_submits
FROM submits_by_session
