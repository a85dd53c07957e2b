import { Command, Option } from 'commander';
import { nothingKnown, withGoneNotes } from '../checks/baseline/baseline.ts';
import type { Check } from '../checks/check.ts';
import type { CheckRun } from '../checks/check-run.ts';
import { runIncrementally } from '../checks/incremental/incremental.ts';
import type { CheckCatalogue } from '../checks/index.ts';
import { gently } from '../checks/running/gently.ts';
import {
  type CheckProgress,
  planChecks,
  type RunChecksOptions,
  runChecks,
} from '../checks/running/run-checks.ts';
import { selectChecks } from '../checks/select-checks.ts';
import { chooseDatabase } from '../checks/server/replica.ts';
import { scopeOf, type WindowOptions } from '../checks/statements/windows.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { messageOf, UsageError } from '../lifecycle/errors.ts';
import { type Pseudonymiser, pseudonymiser } from '../lifecycle/pseudonym.ts';
import { FindingsWriter, whereAllGo } from './all-findings.ts';
import { auditRecorder } from './audit-recorder.ts';
import { acceptedFindings } from './change-baseline.ts';
import { keepRun, secondsBefore } from './check-history.ts';
import { type WindowFlags, windowOf } from './check-window.ts';
import { parseBetween } from './count-argument.ts';
import { parseMilliseconds } from './duration-argument.ts';
import { parseExam } from './exam-argument.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { checkPlanReport } from './integrity-plan-report.ts';
import { checkRunReport } from './integrity-report.ts';
import { parseSince } from './since-argument.ts';
import { declare } from './traits.ts';

export interface CheckOptions extends WindowFlags {
  readonly check: readonly string[];
  readonly suite?: string;
  readonly incremental?: boolean;
  /** milliseconds */
  readonly fullEvery?: number;
  /** milliseconds */
  readonly budget?: number;
  readonly connections?: number;
  readonly samples?: number;
  /** the file, or true for stdout */
  readonly all?: string | boolean;
  readonly identify?: boolean;
  /** false: accepted findings count, too */
  readonly baseline?: boolean;
  /** false: no pauses while students are in exams */
  readonly rest?: boolean;
  /** do not show what passed */
  readonly failedOnly?: boolean;
}

export function integrityCheckCommand(context: CheckContext): Command {
  return declare(new Command('check'), { judges: true, dryRun: true })
    .description('run the checks, read-only and on one snapshot; safe during an exam')
    .option(
      '--check <id>',
      'only this one; may be given several times',
      (id, ids: string[]) => [...ids, id],
      [],
    )
    .addOption(
      new Option(
        '--suite <name>',
        'all (default), core, classic, or one that headers of checks name',
      ).conflicts('check'),
    )
    .option(
      '--since <time>',
      'only sessions that started since: 2026-05-04T09:00Z, or 3h for the last three hours',
      parseSince,
    )
    .option(
      '--exam <start/end>',
      'only exam sessions that started in that time: 2026-05-04T09:00Z/2h',
      parseExam,
    )
    .option('--sessions <ids>', 'only these: ID,ID, or one a line in @FILE, or - for stdin')
    .option('--exclude-rehearsal', 'without the accounts that load runs act as')
    .addOption(
      new Option(
        '--incremental',
        'only what changed since the last good run; now and then everything, to prove that nothing was missed',
      ).conflicts('since'),
    )
    .option(
      '--full-every <duration>',
      'with --incremental: how often everything (default 1h)',
      parseMilliseconds,
    )
    .option(
      '--budget <duration>',
      'end after that time; what was not looked at is unknown',
      parseMilliseconds,
    )
    .option(
      '--connections <number>',
      '1 to 4; default 2, and 1 while students are in exams',
      parseBetween(1, 4),
    )
    .option(
      '--samples <number>',
      'findings shown of each check, 0 to 1000; default 20',
      parseBetween(0, 1000),
    )
    .option('--all [file]', 'every finding, one JSON line each: into the file, or to stdout with -o ndjson')
    .option(
      '--identify',
      'show students by their ids instead of pseudonyms; needs --reason and is put on record',
    )
    .option('--failed-only', 'show only what did not pass; -o json holds all')
    .option('--no-rest', 'go on at once after each statement while students are in exams, too')
    .option('--no-baseline', 'count accepted findings, too (examctl integrity baseline --help)')
    .addHelpText(
      'after',
      `
Examples:
  examctl integrity check -e staging
  examctl integrity check --since 3h --check lost-answers --check unscored-sessions
  examctl integrity check -e prod -o json > integrity.json
  examctl integrity check -e prod --exam 2026-05-04T09:00Z/2h --exclude-rehearsal --budget 20s
  examctl integrity check -e prod --incremental -q     every minute during an exam
  examctl integrity check --check lost-answers --all lost.ndjson
  examctl integrity check -e prod --dry-run

It reads from database.replica where one is configured. While students are in exams it uses one connection and a tenth
of the time, and waits or stops when the platform answers slower than at the beginning.
--incremental keeps in the state folder, for each environment and set of checks, until when all was good. A run with a
fail or unknown leaves that where it is, so that the next one looks at the same again; accepted findings do not count.

Exit codes: 0 nothing bad was found, 1 a check failed, 3 a check could not be made.`,
    )
    .action((options: CheckOptions) => runIntegrityCheck(options, context));
}

export type CheckContext = Pick<
  IntegrityContext,
  | 'catalogue'
  | 'baseline'
  | 'history'
  | 'watermarks'
  | 'readText'
  | 'openSink'
  | 'pseudonymSalt'
  | 'openEnvironment'
  | 'report'
  | 'options'
  | 'progress'
  | 'signal'
  | 'actor'
  | 'audit'
>;

export async function runIntegrityCheck(options: CheckOptions, context: CheckContext): Promise<void> {
  const { check: only, suite = 'all', identify = false } = options;
  if (identify) requireReason(context);
  const all = whereAllGo(options.all, context.options.output);
  const catalogue = await context.catalogue();
  // A wrong id is told before anything is opened.
  const checks = selectChecks(catalogue, { only, suite });
  const environment = await context.openEnvironment();
  const window = await windowOf(options, environment, (source) => context.readText(source));
  if (context.options.dryRun) return reportPlan(environment, { options, window, context });
  const findings = all === null ? null : await FindingsWriter.open(all, context);
  try {
    const asked: AskedChecks = { catalogue, checks, environment, window, findings };
    if (identify) await onRecord(asked, options, context);
    else await checkAndReport(asked, options, context);
  } finally {
    await findings?.discard();
  }
}

interface AskedChecks {
  readonly catalogue: CheckCatalogue;
  readonly checks: readonly Check[];
  readonly environment: Environment;
  readonly window: WindowOptions;
  readonly findings: FindingsWriter | null;
}

/** Resolves to the exit code. */
async function checkAndReport(
  { catalogue, checks, environment, window, findings }: AskedChecks,
  options: CheckOptions,
  context: CheckContext,
): Promise<number> {
  const { check: only, suite = 'all', identify = false, baseline = true } = options;
  const { progress, signal } = context;
  const students = identify ? 'identified' : await pseudonyms(environment, context);
  const known = baseline ? await acceptedFindings(environment.name, context) : nothingKnown;

  progress.start(`checking the data of ${environment.name}`);
  const ask = (how: Pick<RunChecksOptions, 'environment' | 'mayGoOn'>) => {
    const asked: RunChecksOptions = {
      ...known,
      ...limitsOf(options),
      ...how,
      catalogue,
      only,
      suite,
      students,
      signal,
      onProgress: (now) => progress.update(progressText(now)),
      ...(findings === null ? {} : { afterwards: findings.afterwards(checks, students) }),
    };
    if (!options.incremental) return runChecks({ ...asked, scope: scopeOf(window, catalogue.windows) });
    const { watermarks } = context;
    return runIncrementally(asked, { watermarks, fullEvery: options.fullEvery ?? anHour, window });
  };
  const result = await gently(environment, signal, ask, {
    rest: options.rest ?? true,
    onRest: (milliseconds) => progress.update(restText(milliseconds)),
  });
  progress.done();
  const run = withMissingNote(withGoneNotes(result, known), window);
  keepRun(run, context);
  const report = checkRunReport(findings?.shown(run) ?? run, options);
  // Whoever wanted all findings must not take some for all.
  const exitCode = report.exitCode || (findings?.incomplete ? 3 : 0);
  await context.report({ ...report, exitCode });
  return exitCode;
}

const anHour = 3_600_000;

function limitsOf({
  budget,
  connections,
  samples,
}: CheckOptions): Pick<RunChecksOptions, 'budget' | 'connections' | 'samples'> {
  return {
    ...(budget === undefined ? {} : { budget }),
    ...(connections === undefined ? {} : { connections }),
    ...(samples === undefined ? {} : { samples }),
  };
}

async function reportPlan(
  environment: Environment,
  { options, window, context }: { options: CheckOptions; window: WindowOptions; context: CheckContext },
): Promise<void> {
  const { signal } = context;
  const { check: only, suite = 'all' } = options;
  const catalogue = await context.catalogue();
  const { withPostgres, notes } = await chooseDatabase(environment, signal);
  const scope = scopeOf(window, catalogue.windows);
  const plan = await planChecks({
    ...limitsOf(options),
    environment: { name: environment.name, platform: environment.platform, withPostgres },
    catalogue,
    only,
    suite,
    scope,
    students: 'identified',
    signal,
  });
  const full = options.incremental ? ['with --incremental, this is what a full run asks'] : [];
  await context.report(
    checkPlanReport({
      environment: environment.name,
      scope: scope?.words ?? null,
      plan,
      tookBefore: secondsBefore(environment.name, scope?.words ?? null, context),
      notes: [...notes, ...full],
    }),
  );
}

/** A mistyped id looks like a session in which all is well. */
function withMissingNote(run: CheckRun, { sessions, ...others }: WindowOptions): CheckRun {
  const found = run.summary?.sessions;
  if (sessions === undefined || Object.keys(others).length > 0) return run;
  if (run.scope === null || typeof found !== 'number' || found === sessions.length) return run;
  return { ...run, notes: [...run.notes, missingText(sessions.length - found, sessions.length)] };
}

function missingText(missing: number, given: number): string {
  if (given === 1) return 'the given session does not exist';
  if (missing === given) return `none of the ${given} given sessions exists`;
  return `of the ${given} given sessions ${missing} ${missing === 1 ? 'does' : 'do'} not exist`;
}

function progressText({ checks, done, of, secondsLeft }: CheckProgress): string {
  const left = secondsLeft === null || secondsLeft < 1 ? '' : `, about ${Math.ceil(secondsLeft)} s left`;
  return `${done} of ${of} checks answered${left}: ${checks.map(({ id }) => id).join(', ')}`;
}

function restText(milliseconds: number): string {
  return `resting ${Math.ceil(milliseconds / 1_000)} s, as students are in exams (--no-rest goes on at once)`;
}

async function pseudonyms(
  { name }: Environment,
  { pseudonymSalt }: Pick<CheckContext, 'pseudonymSalt'>,
): Promise<Pseudonymiser> {
  return pseudonymiser(await pseudonymSalt(name));
}

function requireReason({ options: { reason } }: Pick<CheckContext, 'options'>): void {
  if (reason === undefined || reason.trim() === '') {
    throw new UsageError('--identify shows which students are concerned, and no reason was given', {
      hint: 'add --reason "why you need to know who they are"; it goes into the audit log',
    });
  }
}

/** From before it is shown, so that nobody sees it without a record. */
async function onRecord(asked: AskedChecks, options: CheckOptions, context: CheckContext): Promise<void> {
  const about = { environment: asked.environment.name, action: 'integrity check --identify' };
  const record = auditRecorder(context, about);
  await record('started', { checks: [...options.check] });
  try {
    const exitCode = await checkAndReport(asked, options, context);
    await record(context.signal.aborted ? 'stopped' : 'done', { exitCode });
  } catch (error) {
    await record(`failed: ${messageOf(error)}`, {});
    throw error;
  }
}
