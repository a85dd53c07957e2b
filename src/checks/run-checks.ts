import type { Environment, Postgres } from '../lifecycle/environment.ts';
import { Undetermined } from '../lifecycle/errors.ts';
import type { Pseudonymiser } from '../lifecycle/pseudonym.ts';
import { abortable } from './abortable.ts';
import type { Check } from './check.ts';
import type { CheckResult, CheckRun } from './check-run.ts';
import { findingsOf, findingsStatement, type Row, totalOf } from './findings.ts';
import { judge, unknown, type Window } from './judge.ts';
import { selectChecks } from './select-checks.ts';

/** Milliseconds that one check may take. */
const statementTimeout = 30_000;

/** The check that counts what the others look at. */
const summaryId = 'summary';

export interface CheckProgress {
  readonly check: Check;
  /** from 1 */
  readonly position: number;
  readonly of: number;
}

export interface RunChecksOptions {
  readonly environment: Pick<Environment, 'name' | 'withPostgres'>;
  readonly checks: readonly Check[];
  /** ids; default all. An unknown one is a UsageError */
  readonly only?: readonly string[];
  /** look only at sessions that started at or after it */
  readonly since?: Date;
  /** how students are named in the findings */
  readonly students: Pseudonymiser | 'identified';
  /** findings that are kept of each check, default 20; their number is always exact */
  readonly samples?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** Runs checks one after another on one READ ONLY snapshot. What could not be looked at is `unknown`, with the reason. */
export async function runChecks(options: RunChecksOptions): Promise<CheckRun> {
  const { environment, checks, only, students, signal } = options;
  const selected = await selectChecks(checks, only);
  const counting = checks.find(({ id }) => id === summaryId);
  // Counts come first, asked for or not: a pass says in how many rows nothing was found.
  const inOrder = [...new Set(counting === undefined ? selected : [counting, ...selected])];
  const startedAt = new Date();
  const results = new Map<Check, CheckResult>();
  let window: Window = { since: options.since ?? null, summary: null };

  try {
    await environment.withPostgres(
      async (postgres) => {
        await goGently(postgres, signal);
        for (const [index, check] of inOrder.entries()) {
          options.onProgress?.({ check, position: index + 1, of: inOrder.length });
          const result = await runCheck(postgres, check, window, options);
          if (check === counting) window = { ...window, summary: result.samples[0] ?? null };
          results.set(check, result);
        }
      },
      { statementTimeout },
    );
  } catch (error) {
    if (!(error instanceof Undetermined)) throw error;
    // No connection, or no more: what was seen until then was still seen on one snapshot.
    for (const check of inOrder) {
      if (!results.has(check)) results.set(check, unknown(check, error, 0));
    }
  }

  return {
    environment: environment.name,
    since: window.since,
    startedAt,
    durationMs: Date.now() - startedAt.getTime(),
    identified: students === 'identified',
    summary: window.summary,
    outcomes: selected.flatMap((check) => results.get(check) ?? []),
  };
}

/** Leaves the other cores to the exam, and does not compile statements that run once. */
async function goGently(postgres: Postgres, signal: AbortSignal): Promise<void> {
  await abortable(
    postgres.query(
      `SELECT set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
         set_config('work_mem', '64MB', true)`,
    ),
    signal,
  );
}

async function runCheck(
  postgres: Postgres,
  check: Check,
  window: Window,
  { students, samples = 20, signal }: RunChecksOptions,
): Promise<CheckResult> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const ask = (text: string, values?: readonly unknown[]) =>
    abortable(postgres.query<Row>(text, values), signal);
  const { text, values } = findingsStatement(check, { since: window.since, limit: samples });

  await ask('SAVEPOINT before_check');
  try {
    const { rows } = await ask(text, values);
    const findings = findingsOf(check, rows, students);
    return judge(check, { total: totalOf(rows), findings, durationMs: elapsed() }, window);
  } catch (error) {
    if (signal.aborted || !isAboutTheCheck(error)) throw error;
    const durationMs = elapsed();
    await ask('ROLLBACK TO SAVEPOINT before_check');
    return unknown(check, error, durationMs);
  }
}

/** An SQLSTATE, or a reason that we give ourselves; anything else is a bug, or the end of the connection. */
function isAboutTheCheck(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return /^[0-9A-Z]{5}$/.test(code);
  return error instanceof Undetermined;
}
