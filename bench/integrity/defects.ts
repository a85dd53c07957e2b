import type pg from 'pg';

export interface Defect {
  readonly name: string;
  /** it is planted in the sessions whose number divided by this leaves `rest`; rests are all different */
  readonly every: number;
  readonly rest: number;
  /** as after a restore: foreign keys and the append-only triggers are asleep */
  readonly pastTheRules?: true;
  /** rows that it writes in a session; default 1 */
  readonly rows?: number;
  /** follows WITH planted AS (...) */
  readonly sql: string;
  /** findings of each check in a session; none where it only looks like a defect */
  readonly speaks: Readonly<Record<string, number>>;
}

const quietAnswer = 'a.session_id = p.id AND a.question_id = p.quiet_question';
const loggedAnswer = 'a.session_id = p.id AND a.question_id = p.logged_question';

/** No exam: while students are in exams, a run takes its time. */
const practising = `mode = 'TUTOR', status = 'ACTIVE', submitted_at = NULL, score_correct = NULL, score_total = NULL,
  score_pct = NULL, duration_seconds = NULL, expires_at = NULL`;

const submitEvent = (kind: string, scoreCorrect: string) => `
  INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source, payload_json)
  SELECT bench.uuid('${kind}', n), 'SESSION_SUBMITTED', ended_at + interval '2 seconds', id, user_id, 'api',
    jsonb_build_object('score_correct', ${scoreCorrect}, 'score_total', 25,
      'score_pct', round(100.0 * (${scoreCorrect}) / 25, 2))
  FROM planted`;

/** Sessions whose number leaves 49 when divided by 50 expired; all others were submitted. */
export const defects: readonly Defect[] = [
  {
    name: 'unscored',
    every: 1000,
    rest: 10,
    sql: 'UPDATE test_sessions s SET score_correct = NULL, score_total = NULL, score_pct = NULL FROM planted p WHERE s.id = p.id',
    speaks: { 'unscored-sessions': 1, 'classic-unscored-sessions': 1 },
  },
  {
    name: 'without percentage',
    every: 4000,
    rest: 20,
    sql: 'UPDATE test_sessions s SET score_pct = NULL FROM planted p WHERE s.id = p.id',
    speaks: { 'unscored-sessions': 1 },
  },
  {
    name: 'wrong score',
    every: 2000,
    rest: 30,
    sql: `
      UPDATE test_sessions s
      SET score_correct = s.score_correct + 1, score_pct = round(100.0 * (s.score_correct + 1) / 25, 2)
      FROM planted p
      WHERE s.id = p.id`,
    speaks: { 'inconsistent-scores': 1, 'announced-scores': 1 },
  },
  {
    name: 'other score announced',
    every: 4000,
    rest: 40,
    pastTheRules: true,
    sql: `
      UPDATE attempt_events e
      SET payload_json = e.payload_json || jsonb_build_object('score_correct', p.right_answers + 1)
      FROM planted p
      WHERE e.session_id = p.id AND e.event_type = 'SESSION_SUBMITTED'`,
    speaks: { 'announced-scores': 1 },
  },
  {
    name: 'answer to a foreign question',
    every: 2000,
    rest: 50,
    sql: `UPDATE session_answers a SET question_id = p.foreign_question FROM planted p WHERE ${quietAnswer}`,
    speaks: { 'answer-not-in-session': 1 },
  },
  {
    name: 'a question too few',
    every: 2000,
    rest: 60,
    sql: `
      , answers AS (DELETE FROM session_answers a USING planted p WHERE ${quietAnswer})
      DELETE FROM session_questions q USING planted p WHERE q.session_id = p.id AND q.question_id = p.quiet_question`,
    speaks: { 'question-count': 1 },
  },
  {
    name: 'orphaned answer',
    every: 4000,
    rest: 70,
    pastTheRules: true,
    sql: `
      INSERT INTO session_answers (id, session_id, question_id, selected_index, is_correct, answered_at, created_at)
      SELECT bench.uuid('orphan', n), bench.uuid('gone', n), quiet_question, 0, true, started_at, started_at FROM planted`,
    speaks: { 'orphaned-answers': 1, 'classic-orphaned-answers': 1 },
  },
  {
    name: 'orphaned event',
    every: 4000,
    rest: 80,
    pastTheRules: true,
    sql: `
      INSERT INTO attempt_events (id, event_type, event_ts, session_id, user_id, source)
      SELECT bench.uuid('orphan', n), 'SESSION_REVIEW_VIEWED', ended_at, bench.uuid('gone', n), user_id, 'api' FROM planted`,
    speaks: { 'orphaned-events': 1, 'classic-orphaned-events': 1 },
  },
  {
    name: 'answer to a question that is gone',
    every: 4000,
    rest: 230,
    pastTheRules: true,
    sql: `UPDATE session_answers a SET question_id = bench.uuid('gone', p.n) FROM planted p WHERE ${quietAnswer}`,
    speaks: { 'answers-to-missing-questions': 1, 'answer-not-in-session': 1 },
  },
  {
    name: 'telemetry with a gap',
    every: 4000,
    rest: 240,
    rows: 2,
    sql: `
      INSERT INTO attempt_events (id, event_type, event_ts, seq, session_id, user_id, source)
      SELECT bench.uuid('telemetry' || seq, n), 'TAB_BLURRED', started_at + seq * interval '1 minute', seq, id, user_id, 'web'
      FROM planted, unnest(ARRAY[1, 3]) AS seq`,
    speaks: { 'event-gaps': 1 },
  },
  {
    name: 'contradictory submit',
    every: 2000,
    rest: 90,
    sql: submitEvent('contradiction', 'right_answers + 1'),
    speaks: { 'contradictory-submits': 1, 'classic-duplicate-submits': 1 },
  },
  {
    name: 'submit repeated with the same score',
    every: 1000,
    rest: 100,
    sql: submitEvent('repetition', 'right_answers'),
    speaks: { 'classic-duplicate-submits': 1 },
  },
  {
    name: 'lost answer',
    every: 2000,
    rest: 110,
    sql: `DELETE FROM session_answers a USING planted p WHERE ${loggedAnswer}`,
    speaks: { 'lost-answers': 1 },
  },
  {
    name: 'answer stored with another choice, wrong too',
    every: 4000,
    rest: 120,
    sql: `
      UPDATE session_answers a
      SET selected_index = (p.logged_correct + 1 + (a.selected_index - p.logged_correct + 5) % 5 % 4) % 5
      FROM planted p
      WHERE ${loggedAnswer}`,
    speaks: { 'lost-answers': 1 },
  },
  {
    name: 'choice without verdict',
    every: 2000,
    rest: 130,
    sql: `UPDATE session_answers a SET is_correct = NULL FROM planted p WHERE ${quietAnswer}`,
    speaks: { 'correctness-flag': 1 },
  },
  {
    name: 'right choice with a wrong verdict',
    every: 2000,
    rest: 140,
    sql: `UPDATE session_answers a SET selected_index = p.quiet_correct FROM planted p WHERE ${quietAnswer}`,
    speaks: { 'wrong-correctness': 1 },
  },
  {
    name: 'question not frozen',
    every: 2000,
    rest: 150,
    sql: `
      UPDATE session_questions q SET question_version_id = NULL
      FROM planted p
      WHERE q.session_id = p.id AND q.question_id = p.quiet_question`,
    speaks: { 'unfrozen-questions': 1 },
  },
  {
    name: 'expired without an end',
    every: 4000,
    rest: 160,
    sql: `UPDATE test_sessions s SET status = 'EXPIRED', submitted_at = NULL FROM planted p WHERE s.id = p.id`,
    speaks: { 'inconsistent-status': 1, 'classic-inconsistent-status': 1 },
  },
  {
    name: 'answered after the end',
    every: 4000,
    rest: 170,
    sql: `UPDATE session_answers a SET answered_at = p.ended_at + interval '1 hour' FROM planted p WHERE ${quietAnswer}`,
    speaks: { 'answers-after-end': 1 },
  },
  {
    name: 'handed in late',
    every: 2000,
    rest: 180,
    sql: `UPDATE test_sessions s SET expires_at = p.ended_at - interval '10 minutes' FROM planted p WHERE s.id = p.id`,
    speaks: { 'late-submits': 1 },
  },
  {
    name: 'lost submit',
    every: 4000,
    rest: 190,
    sql: `
      UPDATE test_sessions s
      SET ${practising}
      FROM planted p
      WHERE s.id = p.id`,
    speaks: { 'lost-submits': 1 },
  },
  {
    name: 'overdue',
    every: 2000,
    rest: 249,
    sql: `
      UPDATE test_sessions s
      SET status = 'ACTIVE', submitted_at = NULL, score_correct = NULL, score_total = NULL, score_pct = NULL
      FROM planted p
      WHERE s.id = p.id`,
    speaks: { 'overdue-sessions': 1 },
  },
  {
    name: 'untimed and in progress',
    every: 1000,
    rest: 349,
    sql: `
      UPDATE test_sessions s
      SET ${practising}
      FROM planted p
      WHERE s.id = p.id`,
    speaks: {},
  },
  {
    name: 'offline',
    every: 1000,
    rest: 210,
    rows: 25,
    sql: `
      , sessions AS (UPDATE test_sessions s SET mode = 'TUTOR', total_questions = 1 FROM planted p WHERE s.id = p.id)
      DELETE FROM session_questions q USING planted p WHERE q.session_id = p.id`,
    speaks: {},
  },
  {
    name: 'mastery computed twice',
    every: 4000,
    rest: 220,
    rows: 2,
    sql: `
      INSERT INTO algo_runs (id, algo_version_id, params_id, user_id, session_id, status, started_at)
      SELECT bench.uuid('run' || time, n), bench.uuid('algorithm', 1), bench.uuid('params', 1), user_id, id, 'SUCCESS',
        ended_at + time * interval '2 seconds'
      FROM planted, generate_series(1, 2) AS time`,
    speaks: { 'repeated-mastery-runs': 1 },
  },
];

/** How many sessions of `sessions` have the defect. */
export function timesPlanted({ every, rest }: Defect, sessions: number): number {
  return Math.max(0, Math.floor((sessions - rest) / every) + 1);
}

export async function plantDefects(client: pg.Client, sessions: number): Promise<void> {
  for (const defect of defects) {
    await client.query(
      `SET session_replication_role = ${defect.pastTheRules === undefined ? 'origin' : 'replica'}`,
    );
    const { rowCount } = await client.query(statementOf(defect));
    const meant = timesPlanted(defect, sessions) * (defect.rows ?? 1);
    if (rowCount !== meant) throw new Error(`"${defect.name}" wrote ${rowCount} rows instead of ${meant}`);
  }
  await client.query('SET session_replication_role = origin');
}

function statementOf({ every, rest, sql }: Defect): string {
  return `
    WITH planted AS (
      SELECT
        s.*, logged.id AS logged_question, logged.correct_index AS logged_correct, quiet.id AS quiet_question,
        quiet.correct_index AS quiet_correct, never_drawn.id AS foreign_question
      FROM bench.sessions s
      JOIN bench.questions logged ON logged.no = bench.question_no(s.n, 13)
      JOIN bench.questions quiet ON quiet.no = bench.question_no(s.n, 14)
      JOIN bench.questions never_drawn ON never_drawn.no = bench.question_no(s.n, 30)
      WHERE s.n % ${every} = ${rest}
    )${sql.trimStart().startsWith(',') ? '' : '\n'}${sql}`;
}
