/**
 * examctl as a library: what the command does, for rehearsal scripts. Functions return the objects that
 * `--output json` prints (a time is a Date where JSON has text), and throw the errors that end the command:
 * an `ExamctlError` with `exitCode` and `hint`.
 *
 *     const environment = await openEnvironment('sandbox');
 *     await environment.ephemeral?.up(AbortSignal.timeout(60_000));
 *     const { verdict, reasons } = await rehearse(environment, { phases: ['canary', 'load'] });
 *     await environment.ephemeral?.down();
 */
import { nothingKnown, withGoneNotes } from './checks/baseline/baseline.ts';
import type { CheckRun } from './checks/check-run.ts';
import { gently } from './checks/running/gently.ts';
import { type RunChecksOptions, runChecks as runChecksOn } from './checks/running/run-checks.ts';
import { scopeOf } from './checks/statements/windows.ts';
import { type Capture, captureMetrics as captureMetricsOn } from './collectors/capture.ts';
import { acceptedFindings } from './commands/change-baseline.ts';
import { accountsOf } from './commands/check-window.ts';
import { findFault } from './commands/fault.ts';
import { rehearseOn } from './commands/rehearse.ts';
import { planExamModeOff as planExamModeOffFrom } from './exam-mode/plan-exam-mode.ts';
import { snapshotOf } from './exam-mode/snapshot.ts';
import { valuesOf } from './faults/parameters.ts';
import { planFault as planFaultOn } from './faults/plan-fault.ts';
import {
  contextOfOpened,
  type OpenOptions,
  open,
  type Permission,
  type Printed,
  printed,
} from './library/opened.ts';
import type { Environment } from './lifecycle/environment.ts';
import type { OperationResult } from './lifecycle/operation.ts';
import type { OutcomeRecord } from './lifecycle/outcome.ts';
import type { Plan } from './lifecycle/plan.ts';
import { pseudonymiser } from './lifecycle/pseudonym.ts';
import type { ProfileName } from './load/scenario.ts';
import { type ExamModeVerification, verifyExamMode as verifyExamModeOn } from './probes/exam-mode.ts';
import type { PhaseId } from './rehearsal/ports.ts';
import type { RehearsalResult } from './rehearsal/rehearse.ts';
import { selectPhases } from './rehearsal/select-phases.ts';

/**
 * Opens an environment of the configuration; without a configuration there is "sandbox". Connections are made when
 * used. Without a name: EXAMCTL_ENV, else the only one. Throws UsageError and ConfigError.
 */
export function openEnvironment(name?: string, options: OpenOptions = {}): Promise<Environment> {
  return open(name, options);
}

export interface CheckOptions {
  /** ids, as `examctl integrity list` shows them; default: all */
  readonly only?: readonly string[];
  /** `all` (default), `core`, `classic`, or a name that headers of checks give */
  readonly suite?: string;
  /** only sessions that started at or after it */
  readonly since?: Date;
  /** only exam sessions that started from `from` until before `to` */
  readonly exam?: { readonly from: Date; readonly to: Date };
  /** only these, by their ids */
  readonly sessions?: readonly string[];
  /** without the accounts that load runs act as; default false */
  readonly excludeRehearsal?: boolean;
  /** milliseconds; what is not looked at by then is `unknown` */
  readonly budget?: number;
  /** at the same time; default 2, and 1 while students are in exams */
  readonly connections?: number;
  /** findings that are kept of each check, default 20; their number is always exact */
  readonly samples?: number;
  /** false: findings that the team accepted for a time count, too; default true */
  readonly baseline?: boolean;
  /** false: no pauses between statements while students are in exams; default true */
  readonly rest?: boolean;
}

/**
 * Looks for lost, doubled and contradictory records: read-only, on one snapshot. Students have pseudonyms. What could
 * not be looked at is an outcome `unknown`, and no error. It reads on a replica where one is configured, and while
 * students are in exams it pauses for them. Throws UsageError for an unknown id or suite.
 */
export async function runChecks(
  environment: Environment,
  {
    since,
    exam,
    sessions,
    excludeRehearsal = false,
    baseline = true,
    rest = true,
    ...options
  }: CheckOptions = {},
): Promise<Printed<CheckRun>> {
  const context = contextOfOpened(environment);
  const catalogue = await context.catalogue();
  const known = baseline ? await acceptedFindings(environment.name, context) : nothingKnown;
  const window = {
    ...(since === undefined ? {} : { since }),
    ...(exam === undefined ? {} : { exam }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(excludeRehearsal ? { withoutRehearsal: await accountsOf(environment) } : {}),
  };
  const students = pseudonymiser(await context.pseudonymSalt(environment.name));
  const { signal } = context;
  const ask = (how: Pick<RunChecksOptions, 'environment' | 'mayGoOn'>) =>
    runChecksOn({
      ...options,
      ...known,
      ...how,
      catalogue,
      scope: scopeOf(window, catalogue.windows),
      students,
      signal,
    });
  const run = await gently(environment, signal, ask, { rest });
  return printed('integrity.check', withGoneNotes(run, known));
}

export interface RehearseOptions extends Permission {
  /** default smoke: half a minute of load, for laptops and CI */
  readonly profile?: ProfileName;
  /** default: all. With gates left unlooked-at the verdict is INCONCLUSIVE */
  readonly phases?: readonly PhaseId[];
  /** an ephemeral environment that was not up stays up afterwards; default false */
  readonly keep?: boolean;
  /** what makes the load; default auto: k6 where there is one */
  readonly engine?: 'auto' | 'k6' | 'builtin';
}

/**
 * Rehearses an exam day. The verdict is in the result, and its evidence, report.md, report.json and junit.xml in
 * `folder`. Throws Refused (nothing was changed), OperationFailed and Interrupted.
 */
export async function rehearse(
  environment: Environment,
  { profile = 'smoke', phases, keep = false, engine = 'auto', ...permission }: RehearseOptions = {},
): Promise<Printed<RehearsalResult>> {
  const options = {
    profile,
    phases: selectPhases(phases?.join(',')),
    keep,
    engine,
    breakGlass: permission.breakGlass ?? false,
  };
  const { kind, data } = await rehearseOn(environment, options, contextOfOpened(environment, permission));
  return printed(kind, data);
}

/**
 * What injecting a fault would do; changes nothing. `seconds` is how long it holds before it is reverted, `set` gives
 * parameters as "delay=200". Throws UsageError for an unknown fault or parameter, or a longer time than it may last, and
 * Undetermined where it cannot be made.
 */
export function planFault(
  environment: Environment,
  fault: string,
  { seconds, set = [] }: { readonly seconds?: number; readonly set?: readonly string[] } = {},
): Promise<Plan> {
  const definition = findFault(fault);
  return planFaultOn(definition, environment, { seconds, values: valuesOf(definition.parameters, set) });
}

export { planExamModeOn } from './exam-mode/plan-exam-mode.ts';

/** Restores exactly what was on before the last "exam-mode on" of this state folder. */
export async function planExamModeOff(environment: Environment): Promise<Plan> {
  const { archive } = contextOfOpened(environment);
  return planExamModeOffFrom(environment, await snapshotOf(environment.name, archive));
}

export interface RunOptions extends Permission {
  /** watches while a temporary change holds; its outcomes are the `observations` of the result */
  readonly during?: (signal: AbortSignal) => Promise<readonly OutcomeRecord[]>;
}

/**
 * Makes a plan come true: run lock, journal, guardian, change, proof. A fault is held for its time and reverted;
 * exam mode stays. Throws Refused (nothing was changed: protected, live exam, lock held, no steady state, a dead run
 * left something), OperationFailed (`exitCode` 5: reverted, 6: a person must act) and Interrupted (reverted).
 */
export async function runOperation(
  environment: Environment,
  plan: Plan,
  { during, ...permission }: RunOptions = {},
): Promise<OperationResult> {
  return contextOfOpened(environment, permission).operator(environment).run(plan, during);
}

/**
 * Proves by behaviour, on every worker, that exam mode is on, or off. `wait`: milliseconds until the workers must
 * agree; default: the life of their caches.
 */
export async function verifyExamMode(
  environment: Environment,
  { expected = 'on', wait }: { readonly expected?: 'on' | 'off'; readonly wait?: number } = {},
): Promise<Printed<ExamModeVerification>> {
  const { signal, progress } = contextOfOpened(environment);
  const verification = await verifyExamModeOn(environment, {
    expected,
    signal,
    onProgress: (text) => progress.update(text),
    ...(wait === undefined ? {} : { wait }),
  });
  return printed('exam-mode.verify', verification);
}

/**
 * Reads connections, sessions, requests and processes into a folder, which is made. `since`: how far back the request
 * log is read, default ten minutes. A collector that failed is an outcome `unknown`.
 */
export async function captureMetrics(
  environment: Environment,
  { folder, since = new Date(Date.now() - 600_000) }: { readonly folder: string; readonly since?: Date },
): Promise<Printed<Capture>> {
  const { signal, progress } = contextOfOpened(environment);
  const capture = await captureMetricsOn({
    environment,
    folder,
    since,
    signal,
    onProgress: (text) => progress.update(text),
  });
  return printed('metrics.capture', capture);
}

export type { CheckResult, CheckRun, Finding, FindingValue } from './checks/check-run.ts';
export type { Capture, Collected } from './collectors/capture.ts';
export type { OpenOptions, Permission, Printed } from './library/opened.ts';
export type {
  Api,
  ApiRequest,
  ApiResponse,
  Driver,
  Environment,
  Ephemeral,
  Identity,
  Postgres,
  Redis,
  Service,
  ServiceInstance,
  Thresholds,
} from './lifecycle/environment.ts';
export {
  ConfigError,
  ExamctlError,
  Interrupted,
  OperationFailed,
  Refused,
  Undetermined,
  UsageError,
} from './lifecycle/errors.ts';
export type { LifecycleEvent } from './lifecycle/events.ts';
export type { OperationResult } from './lifecycle/operation.ts';
export { exitCodeOf, type Outcome, type OutcomeRecord, type Verdict } from './lifecycle/outcome.ts';
export type { Action, Change, Impact, Plan } from './lifecycle/plan.ts';
export type { ProfileName } from './load/scenario.ts';
export type { ExamModeVerification } from './probes/exam-mode.ts';
export { steadyState } from './probes/steady-state.ts';
export type { PhaseId } from './rehearsal/ports.ts';
export type { PhaseResult, RehearsalResult } from './rehearsal/rehearse.ts';
