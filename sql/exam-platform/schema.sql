-- Purpose: the tables of the exam platform (revision 048_family_id) that the sandbox has.
-- Ids are made by the application; tables without a default for id must be given one.

CREATE TYPE session_mode AS ENUM ('TUTOR', 'EXAM');
CREATE TYPE session_status AS ENUM ('ACTIVE', 'SUBMITTED', 'EXPIRED');
CREATE TYPE question_status AS ENUM ('DRAFT', 'IN_REVIEW', 'APPROVED', 'PUBLISHED');

CREATE TABLE alembic_version (
  version_num varchar(32) PRIMARY KEY
);

-- People -------------------------------------------------------------------------------------------------

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email varchar(255) NOT NULL UNIQUE,
  password_hash varchar(255),
  full_name varchar(255),
  -- the application only accepts STUDENT, ADMIN, REVIEWER; the default is as migrated
  role varchar(50) NOT NULL DEFAULT 'student',
  is_active boolean NOT NULL DEFAULT true,
  email_verified boolean NOT NULL DEFAULT false,
  onboarding_completed boolean NOT NULL DEFAULT false,
  email_verified_at timestamptz,
  email_verification_sent_at timestamptz,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz
);

CREATE TABLE auth_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz,
  ip_address varchar(64),
  user_agent text,
  revoked_at timestamptz,
  revoke_reason varchar(100)
);
CREATE INDEX ix_auth_sessions_user_id ON auth_sessions (user_id);

CREATE TABLE refresh_tokens (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid REFERENCES auth_sessions ON DELETE CASCADE,
  family_id uuid,
  token_hash varchar(128) NOT NULL UNIQUE,
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  rotated_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX ix_refresh_tokens_user_id ON refresh_tokens (user_id);
CREATE INDEX ix_refresh_tokens_family_id ON refresh_tokens (family_id);

-- Questions ----------------------------------------------------------------------------------------------

CREATE TABLE years (
  id integer PRIMARY KEY,
  name varchar(100) NOT NULL UNIQUE,
  order_no integer NOT NULL DEFAULT 0,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE blocks (
  id serial PRIMARY KEY,
  year_id integer NOT NULL REFERENCES years ON DELETE CASCADE,
  code varchar(50) NOT NULL,
  name varchar(200) NOT NULL,
  order_no integer NOT NULL DEFAULT 0,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_blocks_year_code UNIQUE (year_id, code)
);

CREATE TABLE themes (
  id serial PRIMARY KEY,
  block_id integer NOT NULL REFERENCES blocks ON DELETE CASCADE,
  title varchar(200) NOT NULL,
  order_no integer NOT NULL DEFAULT 0,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_themes_block_title UNIQUE (block_id, title)
);

CREATE TABLE questions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  external_id varchar(100),
  stem text,
  option_a text,
  option_b text,
  option_c text,
  option_d text,
  option_e text,
  correct_index smallint CONSTRAINT chk_questions_correct_index CHECK (correct_index BETWEEN 0 AND 4),
  explanation_md text,
  status question_status NOT NULL DEFAULT 'DRAFT',
  year_id integer REFERENCES years,
  block_id integer REFERENCES blocks,
  theme_id integer REFERENCES themes,
  cognitive_level varchar(50),
  difficulty varchar(50),
  created_by uuid NOT NULL REFERENCES users,
  updated_by uuid NOT NULL REFERENCES users,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz,
  published_at timestamptz
);
CREATE INDEX ix_questions_status ON questions (status);
CREATE INDEX ix_questions_year_block_theme ON questions (year_id, block_id, theme_id);

CREATE TABLE question_versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  question_id uuid NOT NULL REFERENCES questions ON DELETE CASCADE,
  version_no integer NOT NULL,
  snapshot jsonb NOT NULL,
  change_reason text,
  changed_by uuid REFERENCES users,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_question_versions_question_version UNIQUE (question_id, version_no)
);

-- Exam ---------------------------------------------------------------------------------------------------

CREATE TABLE test_sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON UPDATE CASCADE,
  mode session_mode NOT NULL DEFAULT 'TUTOR',
  status session_status NOT NULL DEFAULT 'ACTIVE',
  year integer NOT NULL,
  blocks_json jsonb NOT NULL,
  themes_json jsonb,
  total_questions integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  submitted_at timestamptz,
  duration_seconds integer,
  expires_at timestamptz,
  score_correct integer,
  score_total integer,
  score_pct numeric(5, 2),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz,
  algo_profile_at_start varchar(50) NOT NULL DEFAULT 'V1_PRIMARY',
  algo_overrides_at_start jsonb NOT NULL DEFAULT '{}',
  algo_policy_version_at_start varchar(50),
  exam_mode_at_start boolean NOT NULL DEFAULT false,
  freeze_updates_at_start boolean NOT NULL DEFAULT false,
  CONSTRAINT chk_test_sessions_submitted_at CHECK (status <> 'SUBMITTED' OR submitted_at IS NOT NULL)
);
CREATE INDEX ix_test_sessions_user_created ON test_sessions (user_id, created_at);
CREATE INDEX ix_test_sessions_status ON test_sessions (status);
CREATE INDEX ix_test_sessions_expires_at ON test_sessions (expires_at);
CREATE INDEX ix_test_sessions_algo_profile ON test_sessions (algo_profile_at_start);

CREATE TABLE session_questions (
  id uuid PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES test_sessions ON DELETE CASCADE ON UPDATE CASCADE,
  position integer NOT NULL,
  question_id uuid NOT NULL REFERENCES questions,
  question_version_id uuid REFERENCES question_versions,
  snapshot_json jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_session_question_position UNIQUE (session_id, position),
  CONSTRAINT uq_session_question_id UNIQUE (session_id, question_id)
);
CREATE INDEX ix_session_questions_session_id ON session_questions (session_id);
CREATE INDEX ix_session_questions_session_position ON session_questions (session_id, position);

CREATE TABLE session_answers (
  id uuid PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES test_sessions ON DELETE CASCADE ON UPDATE CASCADE,
  question_id uuid NOT NULL REFERENCES questions,
  selected_index smallint CONSTRAINT chk_session_answers_selected_index CHECK (selected_index BETWEEN 0 AND 4),
  is_correct boolean,
  answered_at timestamptz,
  changed_count integer NOT NULL DEFAULT 0,
  marked_for_review boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz,
  CONSTRAINT uq_session_answer UNIQUE (session_id, question_id)
);
CREATE INDEX ix_session_answers_session_id ON session_answers (session_id);
CREATE INDEX ix_session_answers_session_question ON session_answers (session_id, question_id);
CREATE INDEX ix_session_answers_question_id ON session_answers (question_id);

CREATE TABLE attempt_events (
  id uuid PRIMARY KEY,
  event_version integer NOT NULL DEFAULT 1,
  event_type varchar(100) NOT NULL,
  event_ts timestamptz NOT NULL DEFAULT now(),
  client_ts timestamptz,
  seq integer,
  session_id uuid NOT NULL REFERENCES test_sessions ON DELETE CASCADE ON UPDATE CASCADE,
  user_id uuid NOT NULL REFERENCES users,
  question_id uuid REFERENCES questions,
  source varchar(50),
  payload_json jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_attempt_events_session_ts ON attempt_events (session_id, event_ts);
CREATE INDEX ix_attempt_events_user_ts ON attempt_events (user_id, event_ts);
CREATE INDEX ix_attempt_events_type_ts ON attempt_events (event_type, event_ts);
CREATE INDEX ix_attempt_events_session_seq ON attempt_events (session_id, seq);
CREATE INDEX ix_attempt_events_event_type ON attempt_events (event_type);
CREATE INDEX ix_attempt_events_event_ts ON attempt_events (event_ts);
CREATE INDEX ix_attempt_events_user_id ON attempt_events (user_id);
CREATE INDEX ix_attempt_events_question_id ON attempt_events (question_id);

CREATE FUNCTION prevent_attempt_events_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'attempt_events is append-only: % is not allowed', TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
CREATE TRIGGER trg_attempt_events_no_update BEFORE UPDATE ON attempt_events
  FOR EACH ROW EXECUTE FUNCTION prevent_attempt_events_mutation();
CREATE TRIGGER trg_attempt_events_no_delete BEFORE DELETE ON attempt_events
  FOR EACH ROW EXECUTE FUNCTION prevent_attempt_events_mutation();

CREATE TABLE session_runtime_snapshot (
  session_id uuid PRIMARY KEY REFERENCES test_sessions ON DELETE CASCADE,
  profile_name varchar(80) NOT NULL,
  resolved_modules jsonb NOT NULL,
  flags jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Learning -----------------------------------------------------------------------------------------------

CREATE TABLE algo_versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  algo_key varchar(50) NOT NULL,
  version varchar(20) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'ACTIVE',
  description text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT uq_algo_versions_key_version UNIQUE (algo_key, version)
);

CREATE TABLE algo_params (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  algo_version_id uuid NOT NULL REFERENCES algo_versions,
  params_json jsonb NOT NULL DEFAULT '{}',
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE algo_runs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  algo_version_id uuid NOT NULL REFERENCES algo_versions,
  params_id uuid NOT NULL REFERENCES algo_params,
  user_id uuid REFERENCES users,
  session_id uuid REFERENCES test_sessions,
  trigger varchar(50) NOT NULL DEFAULT 'manual',
  status varchar(20) NOT NULL DEFAULT 'RUNNING',
  started_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  error_message text
);
CREATE INDEX ix_algo_runs_user_id ON algo_runs (user_id);
CREATE INDEX ix_algo_runs_session_id ON algo_runs (session_id);

CREATE TABLE user_theme_mastery (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  year integer NOT NULL,
  block_id integer NOT NULL REFERENCES blocks,
  theme_id integer NOT NULL REFERENCES themes,
  attempts_total integer NOT NULL DEFAULT 0,
  correct_total integer NOT NULL DEFAULT 0,
  accuracy_pct numeric(5, 2) NOT NULL DEFAULT 0,
  mastery_score numeric(6, 4) NOT NULL DEFAULT 0,
  last_attempt_at timestamptz,
  computed_at timestamptz NOT NULL DEFAULT now(),
  algo_version_id uuid NOT NULL REFERENCES algo_versions,
  params_id uuid NOT NULL REFERENCES algo_params,
  run_id uuid NOT NULL REFERENCES algo_runs,
  breakdown_json jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT uq_user_theme_mastery UNIQUE (user_id, theme_id)
);

-- Control and audit --------------------------------------------------------------------------------------

CREATE TABLE system_flags (
  key varchar(100) PRIMARY KEY,
  value boolean NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by uuid REFERENCES users ON DELETE SET NULL,
  reason text
);

CREATE TABLE admin_security_runtime (
  id integer PRIMARY KEY CONSTRAINT chk_admin_security_runtime_singleton CHECK (id = 1),
  admin_freeze boolean NOT NULL DEFAULT false,
  freeze_reason text,
  set_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  set_at timestamptz
);

CREATE TABLE audit_log (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  actor_user_id uuid NOT NULL REFERENCES users,
  action varchar(100) NOT NULL,
  entity_type varchar(50) NOT NULL,
  entity_id uuid NOT NULL,
  before jsonb,
  after jsonb,
  meta jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_audit_log_created_at ON audit_log (created_at);
CREATE INDEX ix_audit_log_actor_user_id ON audit_log (actor_user_id);

CREATE TABLE switch_audit_log (
  id uuid PRIMARY KEY,
  actor_user_id uuid REFERENCES users ON DELETE SET NULL,
  action_type varchar(50) NOT NULL,
  before jsonb NOT NULL,
  after jsonb NOT NULL,
  reason text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE perf_request_log (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  request_at timestamptz NOT NULL DEFAULT now(),
  method varchar(10) NOT NULL,
  path varchar(500) NOT NULL,
  -- 0 for an unhandled error
  status_code integer NOT NULL,
  total_ms integer NOT NULL,
  db_total_ms integer NOT NULL,
  db_query_count integer NOT NULL,
  user_role varchar(50),
  request_id varchar(200),
  -- true for the unbiased 1 %, false for what is here only because it was slow
  sampled boolean NOT NULL DEFAULT false
);
CREATE INDEX ix_perf_request_log_request_at ON perf_request_log (request_at);

-- Queues, runs, locks ------------------------------------------------------------------------------------

CREATE TABLE job_run (
  id uuid PRIMARY KEY,
  job_key varchar(100) NOT NULL,
  status text NOT NULL,
  scheduled_for timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  stats_json jsonb NOT NULL DEFAULT '{}',
  error_text text
);
CREATE INDEX ix_job_run_key_started ON job_run (job_key, started_at);

CREATE TABLE job_lock (
  job_key varchar(100) PRIMARY KEY,
  locked_until timestamptz NOT NULL,
  locked_by varchar(100)
);

CREATE TABLE email_outbox (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  to_email varchar(255) NOT NULL,
  subject text NOT NULL,
  body text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'queued',
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz
);
CREATE INDEX ix_email_outbox_status ON email_outbox (status);

-- Rows that the migrations bring -------------------------------------------------------------------------

INSERT INTO alembic_version VALUES ('048_family_id');
INSERT INTO system_flags (key, value, reason) VALUES
  ('EXAM_MODE', false, 'initial'),
  ('FREEZE_UPDATES', false, 'initial');
INSERT INTO admin_security_runtime (id) VALUES (1);
INSERT INTO years (id, name, order_no) VALUES
  (1, '1st Year', 1), (2, '2nd Year', 2), (3, '3rd Year', 3), (4, '4th Year', 4), (5, 'Final Year', 5);
INSERT INTO blocks (id, year_id, code, name, order_no) VALUES
  (1, 1, 'A', 'Block A', 1), (2, 1, 'B', 'Block B', 2), (3, 1, 'C', 'Block C', 3),
  (4, 2, 'D', 'Block D', 1), (5, 2, 'E', 'Block E', 2), (6, 2, 'F', 'Block F', 3);
SELECT setval('blocks_id_seq', 6);
