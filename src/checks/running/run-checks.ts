import type { Environment, Postgres } from '../../lifecycle/environment.ts';
import { Undetermined } from '../../lifecycle/errors.ts';
import type { IntegrityFacts } from '../../lifecycle/platform.ts';
import type { Pseudonymiser } from '../../lifecycle/pseudonym.ts';
import { type Check, costClasses, severities } from '../check.ts';
import type { CheckResult, CheckRun, Finding, StatementRecord } from '../check-run.ts';
import { findingsOf } from '../findings.ts';
import type { CheckCatalogue } from '../index.ts';
import { type Frame, judge, type Seen, skipped, unknown } from '../judge.ts';
import { selectChecks } from '../select-checks.ts';
import { abortable } from '../server/abortable.ts';
import { missingRevision, missingTables, type ServerState, serverState } from '../server/server-state.ts';
import { onSnapshot, recover, type Snapshot, whyNotAnother } from '../server/snapshot.ts';
import { explained, type PlannedStatement, planStatements } from '../statements/plan-statements.ts';
import { fewSessions, idsStatement, outsideOf, type Scope } from '../statements/scope.ts';
import { type CheckRow, type StatementContext, statementOf, whyNotSent } from '../statements/statement.ts';
import { isAboutTheStatement, isConnectionLost, isTimeout } from '../statements/statement-error.ts';
import type { CheckThresholds } from '../thresholds.ts';
import { Budget } from './budget.ts';

export interface CheckProgress {
  /** what is looked at now */
  readonly checks: readonly Check[];
  /** answered so far */
  readonly done: number;
  readonly of: number;
  /** as the planner's costs and the time until now suggest; null at the beginning */
  readonly secondsLeft: number | null;
}

export interface RunChecksOptions {
  readonly environment: Pick<Environment, 'name' | 'withPostgres' | 'platform'>;
  readonly catalogue: CheckCatalogue;
  /** ids; default all of the suite. An unknown one is a UsageError */
  readonly only?: readonly string[];
  /** a name that headers of checks give, `classic`, or (default) `all`; an unknown one is a UsageError */
  readonly suite?: string;
  readonly scope?: Scope | null;
  /** how students are named in the findings */
  readonly students: Pseudonymiser | 'identified';
  /** findings that are kept of each check, default 20; their number is always exact */
  readonly samples?: number;
  /** keys of accepted findings, by the id of their check */
  readonly accepted?: ReadonlyMap<string, readonly string[]>;
  /** acceptances that have run out, by the id of their check */
  readonly expired?: ReadonlyMap<string, number>;
  /** default: those of the catalogue */
  readonly thresholds?: Readonly<Record<string, CheckThresholds>>;
  /** connections at the same time; default 2, and 1 while students are in exams and the window is wide, or the server has few left */
  readonly connections?: number;
  /** milliseconds that one statement may take; default 60,000 */
  readonly statementTimeout?: number;
  /** milliseconds for the whole run; what is not answered by then is `unknown` */
  readonly budget?: number;
  /** asked before each statement while students are in exams: why to stop, or null to go on */
  readonly mayGoOn?: (signal: AbortSignal) => Promise<string | null>;
  /** false: a statement for each check, to compare */
  readonly combine?: boolean;
  /** why a check is left out of this run; null: it is not */
  readonly leaveOut?: (check: Check) => { reason: string; hint: string } | null;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CheckProgress) => void;
  /** called on the run's own snapshot when all checks are answered, to read findings one after another */
  readonly afterwards?: (postgres: Postgres, run: CheckRun, context: StatementContext) => Promise<void>;
}

const defaultStatementTimeout = 60_000;
/** Milliseconds that a run of a narrow window may take without a look at how the platform does. */
const unnoticed = 1_000;
/** seconds */
const clockTolerance = 10;

/** Runs checks on one READ ONLY snapshot. What could not be looked at is `unknown`, with the reason. */
export async function runChecks(options: RunChecksOptions): Promise<CheckRun> {
  const selected = selectChecks(options.catalogue, options);
  const run = new RunningChecks(options, withCounts(selected, options.catalogue.checks));
  try {
    const { withPostgres } = options.environment;
    const { statementTimeout = defaultStatementTimeout } = options;
    await run.budget.limit(() =>
      onSnapshot({ withPostgres, statementTimeout }, async (snapshot) => {
        await run.lookAt(snapshot);
        run.budget.end();
        await options.afterwards?.(snapshot.postgres, run.result(selected), run.context);
      }),
    );
  } catch (error) {
    if (!(error instanceof Undetermined) && !isConnectionLost(error)) throw error;
    // No connection, or no more: what was seen until then was still seen on one snapshot.
    run.giveUp(error);
  }
  return run.result(selected);
}

/** What a run would ask, in this order. */
export interface CheckPlan {
  /** null when it could not be asked */
  readonly sessionsInProgress: number | null;
  readonly connections: number;
  readonly statements: readonly PlannedStatement[];
  readonly leftOut: readonly { readonly check: Check; readonly reason: string }[];
  /** checks that could not even be planned, and why */
  readonly problems: readonly { readonly check: Check; readonly error: unknown }[];
}

/** What runChecks would do, by the planner's estimates. Reads no data of the exams. */
export async function planChecks(options: RunChecksOptions): Promise<CheckPlan> {
  const selected = selectChecks(options.catalogue, options);
  const run = new RunningChecks(options, withCounts(selected, options.catalogue.checks));
  const plan = await onSnapshot(
    {
      withPostgres: options.environment.withPostgres,
      statementTimeout: options.statementTimeout ?? defaultStatementTimeout,
    },
    (snapshot) => run.plan(snapshot),
  );
  // A count that nobody asked for makes no run unknown.
  return { ...plan, problems: plan.problems.filter(({ check }) => selected.includes(check)) };
}

/** With the checks that count what these look at, asked for or not: a pass says in how many rows nothing was found. */
function withCounts(selected: readonly Check[], all: readonly Check[]): Check[] {
  const wanted = new Set(['sessions', ...selected.map(({ looksAt }) => looksAt)]);
  const counts = all.filter(
    ({ severity, columns }) => severity === 'info' && columns.some(({ name }) => wanted.has(name)),
  );
  return [...new Set([...counts, ...selected])];
}

interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly settings?: Readonly<Record<string, string>>;
  /** by the budget */
  readonly limited?: boolean;
}

/** How heavy it is by the headers of its checks. */
function classOf({ checks }: PlannedStatement): number {
  return checks.reduce((sum, { cost }) => sum + costClasses.indexOf(cost.class), 0);
}

/** The place of the most severe of these among the severities, the worst first. */
function severestOf(checks: readonly Check[]): number {
  return Math.min(...checks.map(({ severity }) => severities.indexOf(severity)));
}

type Answer = { readonly seen: Seen } | { readonly error: unknown; readonly durationMs: number };

class RunningChecks {
  readonly budget: Budget;
  readonly #options: RunChecksOptions;
  readonly #checks: readonly Check[];
  readonly #started = performance.now();
  readonly #answers = new Map<Check, Answer>();
  readonly #leftOut = new Map<Check, { reason: string; hint: string }>();
  readonly #statements: StatementRecord[] = [];
  readonly #notes: string[] = [];
  #server: ServerState | undefined;
  #scope: Scope | null;
  #stopped: string | null = null;

  constructor(options: RunChecksOptions, checks: readonly Check[]) {
    this.#options = options;
    this.budget = new Budget(options.budget, options.signal);
    this.#checks = checks;
    this.#scope = options.scope ?? null;
  }

  get #facts(): IntegrityFacts {
    return this.#options.environment.platform.integrity;
  }

  get context(): StatementContext {
    const { catalogue, samples = 20, accepted = new Map() } = this.#options;
    const schemas = this.#server?.schemas ?? new Map();
    return { views: catalogue.views, facts: this.#facts, scope: this.#scope, schemas, samples, accepted };
  }

  async lookAt(snapshot: Snapshot): Promise<void> {
    const server = await this.#meet(snapshot.postgres);
    await this.#narrow(snapshot.postgres);
    await this.#work(snapshot, await this.#plan(snapshot.postgres, server));
  }

  /** What lookAt would do; asks the planner only. */
  async plan({ postgres }: Snapshot): Promise<CheckPlan> {
    const queue = await this.#plan(postgres, await this.#meet(postgres));
    return {
      sessionsInProgress: this.#server?.sessionsInProgress ?? null,
      connections: Math.min(this.#connections(), Math.max(1, queue.length)),
      statements: queue,
      leftOut: [...this.#leftOut].map(([check, { reason }]) => ({ check, reason })),
      problems: [...this.#answers].flatMap(([check, answer]) =>
        'error' in answer ? [{ check, error: answer.error }] : [],
      ),
    };
  }

  async #meet(postgres: Postgres): Promise<ServerState> {
    const { platform } = this.#options.environment;
    const server = await abortable(serverState(postgres, platform), this.budget.signal);
    this.#server = server;
    this.#notes.push(...clockNotes(server.now));
    return server;
  }

  /** A window of few sessions is asked for once, and not in every statement. */
  async #narrow(postgres: Postgres): Promise<void> {
    const scope = this.#scope;
    if (scope === null || scope.conditions.length === 0) return;
    try {
      const rows = await this.#ask<{ id: string }>(postgres, { ...idsStatement(scope), limited: true });
      if (rows.length <= fewSessions) this.#scope = { ...scope, ids: rows.map(({ id }) => id) };
    } catch (error) {
      // Each check that needs the window says what is wrong with it.
      if (this.budget.signal.aborted || !isAboutTheStatement(error)) throw error;
    }
  }

  async #plan(postgres: Postgres, server: ServerState): Promise<PlannedStatement[]> {
    const { leaveOut, combine = true, budget } = this.#options;
    const asked: Check[] = [];
    for (const check of this.#checks) {
      const broken = whyNotSent(check);
      const left = leaveOut?.(check) ?? outsideOf(check, this.#options.scope ?? null);
      const missing = missingTables(server) ?? missingRevision(check, server);
      if (broken !== null) this.#answers.set(check, { error: broken, durationMs: 0 });
      else if (left !== null) this.#leftOut.set(check, left);
      else if (missing !== null) this.#answers.set(check, { error: missing, durationMs: 0 });
      else asked.push(check);
    }
    const planned = await planStatements(asked, {
      context: this.context,
      combine,
      packInto: this.#isNarrow ? this.#connections() : null,
      ask: (statement) => this.#ask(postgres, statement),
      onProblem: (check, error) => this.#answers.set(check, { error, durationMs: 0 }),
    });
    // The longest first end soonest together; within a budget, what matters most and many answers rather than one.
    if (budget === undefined) return planned.sort((a, b) => b.cost - a.cost || classOf(b) - classOf(a));
    return planned.sort(
      (a, b) => severestOf(a.checks) - severestOf(b.checks) || a.cost - b.cost || classOf(a) - classOf(b),
    );
  }

  /** Few sessions are looked at. */
  get #isNarrow(): boolean {
    return this.#scope?.ids !== undefined;
  }

  async #work(snapshot: Snapshot, queue: PlannedStatement[]): Promise<void> {
    const total = queue.reduce((sum, { cost }) => sum + cost, 0);
    const finished = { cost: 0 };
    const lostOnce = new Set<PlannedStatement>();
    const lane = async (postgres: Postgres, connection: number) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        this.#tell(next.checks, total, finished.cost);
        try {
          await this.#answer(postgres, next, connection);
        } catch (error) {
          // Another connection does it again, after all others: it may be what ends connections.
          if (lostOnce.has(next)) this.#unanswered(next.checks, error);
          else if (isConnectionLost(error)) queue.push(next);
          lostOnce.add(next);
          throw error;
        }
        finished.cost += next.cost;
      }
    };
    const extra = Math.min(this.#connections(), queue.length) - 1;
    const others = Array.from({ length: extra }, (_, index) =>
      snapshot.another((postgres) => lane(postgres, index + 2)),
    );
    const [first, ...rest] = await Promise.allSettled([lane(snapshot.postgres, 1), ...others]);
    this.budget.signal.throwIfAborted();
    this.#notes.push(...lostConnectionNotes(first, rest));
    if (first.status === 'rejected') throw first.reason;
    // What a lost connection left.
    await lane(snapshot.postgres, 1);
  }

  /** One while students are in exams and much is looked at, or when the server has few to spare, unless somebody says how many. */
  #connections(): number {
    const { connections } = this.#options;
    if (connections !== undefined) return connections;
    const { sessionsInProgress, freeConnections = 0 } = this.#server ?? {};
    // What a narrow window asks is over in a moment.
    const light = sessionsInProgress === 0 || this.#isNarrow;
    return light && freeConnections >= 10 ? 2 : 1;
  }

  async #answer(postgres: Postgres, statement: PlannedStatement, connection: number): Promise<void> {
    const { checks, cost } = statement;
    const stop = await this.#reasonToStop();
    if (stop !== null) {
      for (const check of checks) this.#answers.set(check, { error: stop, durationMs: 0 });
      return;
    }
    const started = performance.now();
    const elapsed = () => Math.round(performance.now() - started);
    const { budget, statementTimeout = defaultStatementTimeout } = this.#options;
    const most = budget === undefined ? Number.POSITIVE_INFINITY : this.#mostOfBudget(budget);
    try {
      const rows = await this.#ask<CheckRow>(postgres, {
        ...statementOf(checks, this.context),
        limited: true,
      });
      const durationMs = elapsed();
      for (const row of rows) this.#note(checks[row.check], row, durationMs);
      this.#statements.push({ checks: checks.map(({ id }) => id), connection, cost, durationMs });
    } catch (error) {
      if (this.budget.signal.aborted || !isAboutTheStatement(error)) throw error;
      const [only] = checks;
      if (checks.length === 1 && only !== undefined) {
        const ask = (asked: Asked) => this.#ask(postgres, asked);
        const why =
          isTimeout(error) && most < statementTimeout
            ? tooLongFor(only, most)
            : await explained(only, { context: this.context, ask }, error);
        this.#answers.set(only, { error: why, durationMs: elapsed() });
        return;
      }
      // One of them spoils it for the others, so each is asked alone.
      const severestFirst = [...checks].sort((a, b) => severestOf([a]) - severestOf([b]));
      for (const check of severestFirst) await this.#answer(postgres, { checks: [check], cost }, connection);
    }
  }

  #note(check: Check | undefined, row: CheckRow, durationMs: number): void {
    if (check === undefined) return;
    const { students } = this.#options;
    const seen: Seen = {
      total: row.total,
      accepted: row.known,
      firstAt: row.first_at?.toISOString() ?? null,
      lastAt: row.last_at?.toISOString() ?? null,
      causes: (row.causes ?? []).map(({ cause, count }) => ({ cause: cause ?? '', count })),
      findings: findingsOf(check, row.samples ?? [], students),
      durationMs,
    };
    this.#answers.set(check, { seen });
  }

  async #reasonToStop(): Promise<Undetermined | null> {
    if (this.budget.isUsedUp) return this.budget.usedUp();
    const { mayGoOn } = this.#options;
    if (mayGoOn === undefined || this.#server?.sessionsInProgress === 0) return null;
    // To measure how the platform does would take as long as what a narrow window asks, if that is over soon.
    if (this.#isNarrow && this.#elapsed() < unnoticed) return null;
    this.#stopped ??= await mayGoOn(this.budget.signal);
    if (this.#stopped === null) return null;
    return new Undetermined(this.#stopped, { hint: 'run it again when the platform answers as usual' });
  }

  /** A statement that fails leaves the snapshot to the others. */
  async #ask<Row>(
    postgres: Postgres,
    { text, values, settings = {}, limited = false }: Asked,
  ): Promise<Row[]> {
    const { budget, statementTimeout = defaultStatementTimeout } = this.#options;
    const { signal } = this.budget;
    const query = <R>(sql: string, parameters?: readonly unknown[]) =>
      abortable(postgres.query<R>(sql, parameters), signal);
    try {
      if (limited && budget !== undefined) {
        const left = Math.max(1, Math.min(statementTimeout, this.#mostOfBudget(budget)));
        await query(`SELECT set_config('statement_timeout', $1, true)`, [`${Math.round(left)}ms`]);
      }
      const names = Object.keys(settings);
      for (const name of names) await query('SELECT set_config($1, $2, true)', [name, settings[name]]);
      const { rows } = await query<Row>(text, values);
      // Gives the settings back, too.
      if (names.length > 0) await abortable(recover(postgres), signal);
      return rows;
    } catch (error) {
      if (!signal.aborted && isAboutTheStatement(error)) await abortable(recover(postgres), signal);
      throw error;
    }
  }

  /** A statement that takes longer than the planner thinks must not leave the others without an answer in every run. */
  #mostOfBudget(budget: number): number {
    return (budget - this.#elapsed()) / 2;
  }

  #tell(checks: readonly Check[], total: number, done: number): void {
    const elapsed = this.#elapsed() / 1000;
    const share = total === 0 ? 1 : done / total;
    this.#options.onProgress?.({
      checks,
      done: this.#answers.size,
      of: this.#checks.length,
      secondsLeft: share === 0 ? null : (elapsed / share) * (1 - share),
    });
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#started);
  }

  giveUp(error: unknown): void {
    this.#unanswered(this.#checks, error);
  }

  #unanswered(checks: readonly Check[], error: unknown): void {
    for (const check of checks) {
      if (!this.#answers.has(check) && !this.#leftOut.has(check))
        this.#answers.set(check, { error: whyNotSent(check) ?? error, durationMs: 0 });
    }
  }

  result(selected: readonly Check[]): CheckRun {
    const { environment, students, scope = null, catalogue, expired = new Map() } = this.#options;
    const { thresholds = catalogue.thresholds ?? {} } = this.#options;
    const summary = this.#summary();
    const mayBeEmpty = scope?.mayBeEmpty ?? false;
    const { words = null, emptyHint = 'look at more', sessionsDigest } = scope ?? {};
    const frame: Frame = { scope: words, mayBeEmpty, emptyHint, summary, thresholds, expired };
    return {
      environment: environment.name,
      scope: frame.scope,
      ...(sessionsDigest === undefined ? {} : { sessionsDigest }),
      snapshotAt: this.#server?.now.toISOString() ?? null,
      startedAt: this.#server?.now ?? new Date(Date.now() - this.#elapsed()),
      durationMs: this.#elapsed(),
      identified: students === 'identified',
      summary,
      outcomes: selected.map((check) => this.#outcome(check, frame)),
      statements: this.#statements,
      notes: this.#notes,
    };
  }

  #outcome(check: Check, frame: Frame): CheckResult {
    const left = this.#leftOut.get(check);
    if (left !== undefined) return skipped(check, left.reason, left.hint);
    const answer = this.#answers.get(check);
    if (answer === undefined) return unknown(check, new Undetermined('the statement gave no answer'), 0);
    return 'seen' in answer
      ? judge(check, answer.seen, frame)
      : unknown(check, answer.error, answer.durationMs);
  }

  #summary(): Finding | null {
    const counted = this.#checks
      .filter(({ severity }) => severity === 'info')
      .flatMap((check) => {
        const answer = this.#answers.get(check);
        return answer !== undefined && 'seen' in answer ? answer.seen.findings.slice(0, 1) : [];
      });
    return counted.length === 0 ? null : Object.assign({}, ...counted);
  }
}

function tooLongFor({ cost }: Check, milliseconds: number): Undetermined {
  const seconds = (milliseconds / 1000).toFixed(1);
  return new Undetermined(
    `it was not answered in ${seconds} s, half of what was left of the budget, and the others needed the rest`,
    { hint: `ask it with a longer --budget, or without one; its header says of its cost: ${cost.class}` },
  );
}

/** Why a run went on with fewer; what ended all of them, the checks themselves tell. */
function lostConnectionNotes(
  first: PromiseSettledResult<void>,
  others: readonly PromiseSettledResult<void>[],
): string[] {
  const reasons = [first, ...others].map((one) =>
    one.status === 'rejected' ? whyNotAnother(one.reason) : null,
  );
  const wentOn = reasons.includes(null);
  // Without the first one its snapshot is gone, too, which is no reason of its own.
  const told = new Set(reasons[0] === null ? reasons : reasons.slice(0, 1));
  return [...told].flatMap((reason) =>
    wentOn && reason !== null ? [`fewer connections than planned: ${reason}`] : [],
  );
}

/** Every time of the run is the server's, except where somebody counts back from this machine's. */
function clockNotes(serverNow: Date): string[] {
  const ahead = Math.round((Date.now() - serverNow.getTime()) / 1000);
  if (Math.abs(ahead) <= clockTolerance) return [];
  const seconds = Math.abs(ahead).toLocaleString('en-GB');
  return [
    `the clock of this machine is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} the database's: give --since as a time, as 3h counts back from this machine's now`,
  ];
}
