import type { Environment, ExamModeMechanism } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import type { Action, Change } from '../lifecycle/plan.ts';
import { makePlan, type Plan } from '../lifecycle/plan.ts';
import { impactOf } from '../probes/sessions-in-progress.ts';

/** What was on before exam mode was switched on: the changes that were made, each with its way back. */
export interface ExamModeSnapshot {
  readonly run: string;
  /** ISO 8601 */
  readonly at: string;
  readonly changes: readonly Change[];
}

/** Sets every configured mechanism that is not set yet and disables the background jobs that are enabled. */
export async function planExamModeOn(environment: Environment): Promise<Plan> {
  const mechanisms = await mechanismChanges(environment, true);
  try {
    const { changes, notes } = await jobsOff(environment);
    return planOf('exam-mode on', environment, [...mechanisms, ...changes], notes);
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    // the flag protects the exam without it; verify tells whether a job runs all the same
    return planOf('exam-mode on', environment, mechanisms, [`background jobs: ${error.message}`]);
  }
}

/** Restores exactly what the snapshot says; without one, it only resets the mechanisms. */
export async function planExamModeOff(
  environment: Environment,
  snapshot: ExamModeSnapshot | null,
): Promise<Plan> {
  const changes = snapshot === null ? await mechanismChanges(environment, false) : wayBack(snapshot);
  return planOf('exam-mode off', environment, changes);
}

async function planOf(
  operation: string,
  environment: Environment,
  changes: readonly Change[],
  notes: readonly string[] = [],
): Promise<Plan> {
  const recreates = changes.some(({ apply }) => apply.kind === 'exam-mode-set' && apply.variable !== null);
  const text = recreates
    ? 'recreates the backend: requests in flight fail, nobody can work until it answers again'
    : 'students in an exam notice nothing; heavy admin operations and background jobs are switched';
  return makePlan({
    operation,
    environment: environment.name,
    parameters: {},
    impact: await impactOf(environment, { disruptive: recreates, text }),
    changes,
    holdSeconds: null,
    notes,
    steadyState: [],
  });
}

async function mechanismChanges(environment: Environment, enabled: boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for (const mechanism of environment.examMode) {
    const change =
      mechanism.kind === 'env-file'
        ? await variableChange(mechanism, enabled, environment)
        : await flagChange(mechanism.kind, enabled, environment);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

async function flagChange(
  mechanism: 'system-flag' | 'system-flag-sql',
  enabled: boolean,
  { withPostgres, platform }: Environment,
): Promise<Change | undefined> {
  const { flag } = platform.examMode;
  const { rows } = await withPostgres((postgres) =>
    postgres.query<{ value: boolean }>('SELECT value FROM system_flags WHERE key = $1', [flag]),
  );
  const row = rows[0]?.value;
  const current = row ?? false;
  if (row === enabled || (row === undefined && !enabled)) return undefined;
  const set = (value: boolean): Action => ({
    kind: 'exam-mode-set',
    mechanism,
    enabled: value,
    variable: null,
  });
  return change(
    `flag ${flag}`,
    row === undefined ? 'no row' : String(row),
    String(enabled),
    set(enabled),
    set(current),
    platform.examMode.cacheSeconds,
  );
}

async function variableChange(
  { service, variable: name }: Extract<ExamModeMechanism, { kind: 'env-file' }>,
  enabled: boolean,
  { driver }: Environment,
): Promise<Change | undefined> {
  const before = (await driver.variable(service, name)) ?? null;
  const after = enabled ? 'true' : 'false';
  if (before === after) return undefined;
  const file = driver.writtenVariable?.(service, name);
  const set = (value: string | null, written: string | null): Action => ({
    kind: 'exam-mode-set',
    mechanism: 'env-file',
    enabled: value === 'true',
    variable: { service, name, value, written },
  });
  const line = (text: string | null) => (text === null ? `no ${name}` : `${name}=${text}`);
  const written = file === undefined ? before : (file.text ?? null);
  const where = file === undefined ? '' : ` in ${file.file}`;
  const running = written === before ? '' : `, while the service has ${line(before)}`;
  return change(
    `variable ${name} of ${service}`,
    `${line(written)}${where}${running}`,
    `${line(after)}${where}`,
    set(after, after),
    set(before, written),
    30,
  );
}

async function jobsOff({ driver, platform }: Environment): Promise<{ changes: Change[]; notes: string[] }> {
  const known = platform.examMode.jobs;
  const enabled = (await driver.jobs()).filter((job) => job.enabled && known.includes(job.key));
  const keysOf = (switchable: boolean) =>
    enabled.filter((job) => (job.switchable ?? true) === switchable).map(({ key }) => key);
  const fixed = keysOf(false);
  const notes =
    fixed.length === 0
      ? []
      : [`background jobs ${fixed.join(', ')} stay on: they must look at exam mode by themselves`];
  const jobs = keysOf(true);
  if (jobs.length === 0) return { changes: [], notes };
  const set = (value: boolean): Action => ({ kind: 'jobs-set', jobs, enabled: value });
  const off = change(`background jobs ${jobs.join(', ')}`, 'enabled', 'disabled', set(false), set(true), 5);
  return { changes: [off], notes };
}

function wayBack({ changes }: ExamModeSnapshot): Change[] {
  return changes
    .filter((made): made is Change & { revert: Action } => made.revert !== null)
    .map((made) => ({
      ...made,
      before: made.after,
      after: made.before,
      apply: made.revert,
      revert: made.apply,
    }))
    .reverse();
}

function change(
  target: string,
  before: string,
  after: string,
  apply: Action,
  revert: Action,
  seconds: number,
): Change {
  return { target, before, after, apply, revert, undoneBy: 'guardian', seconds };
}
