import type { AllowedOperation, BlockedOperation, HealthEndpoint, Platform } from '../lifecycle/platform.ts';

/** An id that no session has, so that asking for it changes nothing. */
const noSession = '00000000-0000-4000-8000-000000000000';

const health: readonly HealthEndpoint[] = [
  {
    id: 'health-root',
    path: '//health',
    title: 'the backend answers its health check',
    expect: { path: 'status', value: 'ok' },
    source: 'GET /health',
  },
  {
    id: 'health-api',
    path: '/health',
    title: 'the API answers under its base path',
    expect: { path: 'status', value: 'ok' },
    source: 'GET {base}/health',
  },
  // Always HTTP 200, so only the body tells (the documents promise 503).
  {
    id: 'ready',
    path: '/ready',
    title: 'the backend says that it is ready',
    expect: { path: 'status', value: 'ok' },
    source: 'GET {base}/ready',
  },
  {
    id: 'ready-database',
    path: '/ready',
    title: 'the backend reaches its database',
    expect: { path: 'checks.db.status', value: 'ok' },
    source: 'GET {base}/ready',
  },
  {
    id: 'ready-cache',
    path: '/ready',
    title: 'the backend reaches its cache',
    expect: { path: 'checks.redis.status', value: 'ok' },
    source: 'GET {base}/ready',
  },
];

/** All POST. The gate runs before authentication, except where a rate limiter authenticates first. */
const blocked: readonly BlockedOperation[] = [
  { action: 'bkt_recompute', path: '/learning/bkt/recompute', anonymousProbe: true },
  { action: 'rank_run', path: '/admin/rank/runs', anonymousProbe: true },
  { action: 'irt_calibration', path: '/admin/irt/runs', anonymousProbe: true },
  { action: 'email_outbox_drain', path: '/admin/email/outbox/drain', anonymousProbe: false },
  { action: 'notification_broadcast', path: '/admin/notifications/broadcast', anonymousProbe: false },
  { action: 'bulk_question_import', path: '/admin/import/questions', anonymousProbe: true },
  { action: 'search_reindex', path: '/admin/search/reindex/nightly', anonymousProbe: true },
  { action: 'graph_incremental_sync', path: '/admin/graph/sync/incremental', anonymousProbe: true },
  { action: 'graph_full_sync', path: '/admin/graph/sync/full', anonymousProbe: true },
  { action: 'graph_revision_sync', path: '/admin/graph-revision/sync', anonymousProbe: true },
  { action: 'warehouse_export', path: '/admin/warehouse/export/run', anonymousProbe: true },
  {
    action: 'warehouse_incremental_export',
    path: '/admin/warehouse/export/incremental',
    anonymousProbe: true,
  },
  { action: 'warehouse_backfill', path: '/admin/warehouse/export/backfill', anonymousProbe: true },
];

/** Each request is refused for its content, after everything that could close the operation has been passed. */
const allowed: readonly AllowedOperation[] = [
  {
    id: 'login',
    title: 'a login is not refused by exam mode',
    method: 'POST',
    path: '/auth/login',
    body: {},
    as: 'nobody',
    openStatuses: [422],
  },
  {
    id: 'authentication',
    title: 'logged-in students are recognised',
    method: 'GET',
    path: '/auth/me',
    as: 'student',
    openStatuses: [200],
  },
  {
    id: 'session-create',
    title: 'starting a session is not refused by exam mode',
    method: 'POST',
    path: '/sessions',
    body: {},
    as: 'student',
    openStatuses: [422],
  },
  {
    id: 'session-read',
    title: 'reading a session is not refused by exam mode',
    method: 'GET',
    path: `/sessions/${noSession}`,
    as: 'student',
    openStatuses: [404],
  },
  {
    id: 'answer',
    title: 'answering is not refused by exam mode',
    method: 'POST',
    path: `/sessions/${noSession}/answer`,
    body: { question_id: noSession, selected_index: 0 },
    as: 'student',
    openStatuses: [404],
  },
  {
    id: 'submit',
    title: 'submitting is not refused by exam mode',
    method: 'POST',
    path: `/sessions/${noSession}/submit`,
    as: 'student',
    openStatuses: [404],
  },
  {
    id: 'review',
    title: 'reviewing a submitted session is not refused by exam mode',
    method: 'GET',
    path: `/sessions/${noSession}/review`,
    as: 'student',
    openStatuses: [404],
  },
];

/** The MCQ exam platform: FastAPI, PostgreSQL 15, Redis 7. */
export const examPlatform: Platform = {
  id: 'exam-platform',
  title: 'MCQ exam platform',
  basePaths: ['/v1', '/api/v1'],
  health,
  examMode: {
    flag: 'EXAM_MODE',
    variable: 'EXAM_MODE',
    freezeFlag: 'FREEZE_UPDATES',
    toggle: {
      path: '/admin/system/exam-mode',
      phraseOn: 'ENABLE EXAM MODE',
      phraseOff: 'DISABLE EXAM MODE',
    },
    cacheSeconds: 10,
    blockedStatuses: [423, 403],
    blockedCode: 'EXAM_MODE_ACTIVE',
    otherLocks: {
      ADMIN_FREEZE: 'the admin freeze',
      FREEZE_UPDATES_ACTIVE: 'FREEZE_UPDATES, which stops answers and submits',
    },
    loginRequiredPath: '/auth/me',
    blocked,
    allowed,
    jobs: ['revision_queue_regen', 'warehouse_incremental_export'],
  },
  // pool_size 10 + max_overflow 10, hard-coded
  poolPerWorker: 20,
  // psycopg2 sets no application_name
  poolApplications: ['examplatform-backend%', ''],
  workersPerInstance: {
    variable: 'UVICORN_WORKERS',
    byDriver: { sandbox: 1, compose: 5, kubernetes: 5, railway: 5, none: 5 },
  },
  // Expiry is lazy: a timed session that nobody touches stays ACTIVE for ever.
  sessionsInProgressSql: `
    SELECT count(*)::int AS in_progress, max(expires_at) AS last_ends_at
      FROM test_sessions
     WHERE status = 'ACTIVE' AND mode = 'EXAM' AND (expires_at IS NULL OR expires_at > now())`,
  sessionsOfOthersSql: `
    SELECT count(*)::int AS in_progress, max(s.expires_at) AS last_ends_at
      FROM test_sessions s
      LEFT JOIN users u ON u.id = s.user_id
     WHERE s.status = 'ACTIVE' AND s.mode = 'EXAM' AND (s.expires_at IS NULL OR s.expires_at > now())
       AND s.user_id <> ALL ($2::uuid[])
       AND ($1::text IS NULL OR right(lower(u.email), length($1) + 1) IS DISTINCT FROM '@' || lower($1))`,
  // At the domain itself: a student at another.example.com is not one at example.com.
  studentsOfDomainSql: `
    SELECT id, email, role
      FROM users
     WHERE is_active AND role = 'STUDENT' AND right(lower(email), length($1) + 1) = '@' || lower($1)
     ORDER BY email
     LIMIT $2`,
  scenarios: ['session-burst', 'answers', 'submit-spike', 'exam-day'],
  // As shipped it answers 422 without the parameter, which others ignore.
  refreshPath: '/auth/refresh?request=1',
  // There is no schedule: an exam is what its sessions are. Extra time is in expires_at.
  examSessionsSql: `
    SELECT extract(epoch FROM s.started_at)::float8 * 1000 AS started_ms,
           coalesce(extract(epoch FROM s.expires_at - s.started_at)::int, s.duration_seconds) AS seconds,
           greatest(0, extract(epoch FROM s.submitted_at - s.started_at))::float8 AS submit_seconds,
           (SELECT count(*)::int FROM session_answers a WHERE a.session_id = s.id) AS answers
      FROM test_sessions s
     WHERE s.mode = 'EXAM' AND s.started_at >= $1 AND s.started_at < $2
     ORDER BY s.started_at`,
  integrity: {
    sessionColumns: {
      test_sessions: 'id',
      session_questions: 'session_id',
      session_answers: 'session_id',
      attempt_events: 'session_id',
      session_runtime_snapshot: 'session_id',
      algo_runs: 'session_id',
    },
    eventTable: 'attempt_events',
    writtenAt: {
      session_answers: 'greatest(t.updated_at, t.answered_at, t.created_at)',
      attempt_events: 't.event_ts',
      algo_runs: 't.started_at',
    },
    revisionSql: 'SELECT version_num AS revision FROM alembic_version',
  },
  ledger: {
    answersSql: `
      SELECT session_id, question_id, id AS answer_id, selected_index::int AS value,
             extract(epoch FROM greatest(updated_at, answered_at, created_at))::float8 * 1000 AS written_ms
        FROM session_answers
       WHERE session_id = ANY ($1::uuid[])`,
    // Scored by the questions as they were frozen for the session, whatever is_correct says.
    sessionsSql: `
      SELECT s.id AS session_id, s.status::text AS status, s.status = 'SUBMITTED' AS submitted,
             s.score_correct AS score, scored.correct AS recomputed, submitted.scores AS event_scores
        FROM test_sessions s
        LEFT JOIN LATERAL (
          SELECT count(*) FILTER (
                   WHERE a.selected_index = (coalesce(q.snapshot_json, v.snapshot) ->> 'correct_index')::int
                 )::int AS correct
            FROM session_answers a
            JOIN session_questions q ON q.session_id = a.session_id AND q.question_id = a.question_id
            LEFT JOIN question_versions v ON v.id = q.question_version_id
           WHERE a.session_id = s.id AND s.status = 'SUBMITTED'
          HAVING bool_and(coalesce(q.snapshot_json, v.snapshot) ? 'correct_index') IS NOT FALSE
        ) scored ON s.status = 'SUBMITTED'
        LEFT JOIN LATERAL (
          SELECT count(DISTINCT (e.payload_json ->> 'score_correct', e.payload_json ->> 'score_total',
                                 e.payload_json ->> 'score_pct'))::int AS scores
            FROM attempt_events e
           WHERE e.session_id = s.id AND e.event_type = 'SESSION_SUBMITTED' AND e.source = 'api'
        ) submitted ON true
       WHERE s.id = ANY ($1::uuid[])`,
  },
};
