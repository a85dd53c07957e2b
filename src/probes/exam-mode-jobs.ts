import type { Environment, JobSchedule } from '../lifecycle/environment.ts';
import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import { type Attempt, attempt, judged, outcomeOf } from './attempt.ts';
import type { ExamModeState } from './exam-mode-gate.ts';

/** A row of job_run that tells of work now, or since exam mode was switched on. */
export interface JobRun {
  readonly key: string;
  readonly status: string;
  readonly startedAt: Date | null;
  readonly ageSeconds: number | null;
}

/** A job that looked at the flag just before the toggle may write its row just after. */
const graceSeconds = 2;
const justStartedSeconds = 5;
/** Lease of job_lock: a run that is older has no process any more, or nobody who watches it. */
const leaseSeconds = 120 * 60;

export async function probeJobs(
  environment: Environment,
  { expected, signal }: { expected: ExamModeState; signal?: AbortSignal },
): Promise<OutcomeRecord[]> {
  const { flag, jobs: keys } = environment.platform.examMode;
  const schedules = await attempt(() => environment.driver.jobs(), signal);
  if (expected === 'off') return [judged(jobsEnabled, schedules, (jobs) => judgeEnabled(jobs, keys))];
  const runs = await attempt(() => runningJobs(environment, keys), signal);
  const started = await attempt(() => startedSinceToggle(environment, keys, flag), signal);
  return [
    judgeRunning(schedules, runs, keys),
    judged(jobsStarted, started, judgeStarted),
    judged(jobsScheduled, schedules, (jobs) => judgeScheduled(jobs, keys)),
  ];
}

const jobsRunning = { id: 'no-job-runs', title: 'no background job runs' };
const jobsStarted = {
  id: 'no-job-started',
  title: 'no background job has started since exam mode was switched on',
};
const jobsScheduled = { id: 'jobs-disabled', title: 'background jobs are switched off' };
const jobsEnabled = { id: 'jobs-enabled', title: 'background jobs are switched on again' };

export function judgeRunning(
  schedules: Attempt<readonly JobSchedule[]>,
  runs: Attempt<readonly JobRun[]>,
  keys: readonly string[],
): OutcomeRecord {
  const alive = 'value' in schedules ? schedules.value.filter(({ running }) => running === true) : [];
  const rows = 'value' in runs ? runs.value : [];
  const watched = 'value' in schedules ? schedules.value.filter(({ running }) => running !== null) : [];
  const watchedKeys = watched.map(({ key }) => key);
  const dead = rows.filter((row) => !isAtWork(row, watchedKeys));
  const working = [
    ...alive.map(({ key }) => `a process of ${key} is alive`),
    ...rows.filter((row) => isAtWork(row, watchedKeys)).map((row) => `job_run says that ${describe(row)}`),
  ];
  const problems = [schedules, runs].flatMap((part) => ('problem' in part ? [part.problem] : []));
  if (working.length > 0) {
    return outcomeOf(
      jobsRunning,
      'fail',
      [...working, ...problems].join('; '),
      'a running job does not look at exam mode again: wait for its end, or stop it where it was started',
    );
  }
  if (problems.length > 0) return outcomeOf(jobsRunning, 'unknown', problems.join('; '));
  if (dead.length > 0) {
    return outcomeOf(
      jobsRunning,
      'warn',
      `${dead.map(describe).join('; ')}, yet no process of it is alive`,
      'the rows were left by jobs that died: they do no work, but the next run may refuse to start',
    );
  }
  const isBlind = 'value' in schedules && watched.length < schedules.value.length;
  const seen = isBlind ? 'no RUNNING row' : 'no process and no RUNNING row';
  return outcomeOf(jobsRunning, 'pass', `${seen} of ${keys.join(', ')} or any other`);
}

/** The driver sees the processes of watched jobs, except one that has started since; of others only the row tells. */
function isAtWork({ key, ageSeconds }: JobRun, watched: readonly string[]): boolean {
  if (ageSeconds === null) return false;
  return ageSeconds < (watched.includes(key) ? justStartedSeconds : leaseSeconds);
}

export function judgeStarted(started: readonly JobRun[]): OutcomeRecord {
  if (started.length === 0) return outcomeOf(jobsStarted, 'pass', 'none');
  const keys = [...new Set(started.map(({ key }) => key))].map(
    (key) => `${key} ${started.filter((run) => run.key === key).length} times`,
  );
  return outcomeOf(
    jobsStarted,
    'fail',
    `started in exam mode: ${keys.join(', ')}`,
    'the job does not respect exam mode: switch it off where it is scheduled (host crontab)',
  );
}

export function judgeScheduled(jobs: readonly JobSchedule[], keys: readonly string[]): OutcomeRecord {
  const known = jobs.filter(({ key }) => keys.includes(key));
  const enabled = known.filter((job) => job.enabled).map(({ key }) => key);
  if (enabled.length === 0) {
    return outcomeOf(
      jobsScheduled,
      'pass',
      known.length === 0 ? 'none is scheduled' : known.map(({ key }) => key).join(', '),
    );
  }
  return outcomeOf(
    jobsScheduled,
    'warn',
    `${enabled.join(', ')} will still be started, and must skip by itself`,
    known.some(({ switchable = true }) => switchable)
      ? 'examctl exam-mode on switches them off, and off switches them on again'
      : 'whoever starts them cannot be told to leave them out: look at its log after the exam',
  );
}

export function judgeEnabled(jobs: readonly JobSchedule[], keys: readonly string[]): OutcomeRecord {
  const disabled = jobs.filter(({ key, enabled }) => keys.includes(key) && !enabled).map(({ key }) => key);
  if (disabled.length === 0) return outcomeOf(jobsEnabled, 'pass', `${jobs.length} jobs are scheduled`);
  return outcomeOf(
    jobsEnabled,
    'warn',
    `${disabled.join(', ')} is switched off`,
    'after the exam its work must be caught up: examctl exam-mode off switches the jobs on again',
  );
}

function runningJobs(environment: Environment, keys: readonly string[]): Promise<JobRun[]> {
  return environment.withPostgres(async (postgres) => {
    const { rows } = await postgres.query<JobRun>(
      `SELECT job_key AS key, status, started_at AS "startedAt",
              extract(epoch FROM now() - started_at)::float8 AS "ageSeconds"
         FROM job_run
        WHERE status = 'RUNNING'
        ORDER BY job_key = ANY($1) DESC, started_at DESC
        LIMIT 20`,
      [keys],
    );
    return rows;
  });
}

function startedSinceToggle(
  environment: Environment,
  keys: readonly string[],
  flag: string,
): Promise<JobRun[]> {
  return environment.withPostgres(async (postgres) => {
    const { rows } = await postgres.query<JobRun>(
      `SELECT run.job_key AS key, run.status, run.started_at AS "startedAt",
              extract(epoch FROM now() - run.started_at)::float8 AS "ageSeconds"
         FROM job_run run
         JOIN system_flags flag ON flag.key = $2 AND flag.value
        WHERE run.job_key = ANY($1)
          AND run.started_at > flag.updated_at + make_interval(secs => $3)
        ORDER BY run.started_at DESC
        LIMIT 1000`,
      [keys, flag, graceSeconds],
    );
    return rows;
  });
}

function describe({ key, ageSeconds }: JobRun): string {
  return `${key} is RUNNING${ageSeconds === null ? '' : ` since ${Math.round(ageSeconds)} s`}`;
}
