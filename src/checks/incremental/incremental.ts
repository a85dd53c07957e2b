import { createHash } from 'node:crypto';
import type { Environment } from '../../lifecycle/environment.ts';
import { isExpected, messageOf, Undetermined } from '../../lifecycle/errors.ts';
import { advanced, type Sweep, type Watermark, type Watermarks } from '../../lifecycle/watermark.ts';
import type { Check } from '../check.ts';
import type { CheckRun, IncrementalRun } from '../check-run.ts';
import type { CheckCatalogue } from '../index.ts';
import { type RunChecksOptions, runChecks } from '../running/run-checks.ts';
import { selectChecks } from '../select-checks.ts';
import { abortable } from '../server/abortable.ts';
import { namesIn, outsideOf, type Scope } from '../statements/scope.ts';
import { viewsOf } from '../statements/views.ts';
import { scopeOf, type WindowOptions } from '../statements/windows.ts';
import { compareSweep, coverageResult, type SweepComparison } from './incremental-coverage.ts';
import { type ServerPosition, serverPosition } from './server-position.ts';

export interface IncrementalOptions {
  readonly watermarks: Watermarks;
  /** milliseconds: when the last sweep is older, the run is one */
  readonly fullEvery: number;
  /** what the run is restricted to besides, the same each time */
  readonly window: WindowOptions;
}

/**
 * Looks at what changed since the last good run, or, now and then, at everything: a sweep, which also says whether the
 * runs between the sweeps could see what it sees.
 */
export async function runIncrementally(
  options: RunChecksOptions,
  { watermarks, fullEvery, window }: IncrementalOptions,
): Promise<CheckRun> {
  const { environment, catalogue, signal } = options;
  const selected = selectChecks(catalogue, options);
  const of = digestOf(selected, catalogue, scopeOf(window, catalogue.windows));
  const position = await positionOf(environment, signal);
  if (position instanceof Undetermined) {
    const run = await runChecks({ ...options, scope: scopeOf(window, catalogue.windows) });
    return { ...run, notes: [`not incremental: ${position.message}`, ...run.notes] };
  }
  const { marks, damaged } = watermarks.read(environment.name);
  const mark = marks.find((candidate) => candidate.of === of);
  const decision = decide(mark, position, { damaged, fullEvery });
  const done =
    decision.kind === 'changes'
      ? { decision, ...(await runChanges(options, { window, position, mark: decision.mark })) }
      : await sweepOrChanges(options, { decision, watermarks, of, window, position, mark, selected });
  return resultOf(done, { watermarks, environment: environment.name, of, position, mark });
}

interface SweepChoice extends Omit<SweepContext, 'mark'> {
  readonly decision: SweepDecision;
  readonly watermarks: Watermarks;
  readonly of: string;
  readonly mark: Watermark | undefined;
}

/** A sweep that takes longer than the time to the next run is not begun twice; until it ends only changes are looked at. */
async function sweepOrChanges(
  options: RunChecksOptions,
  { decision, watermarks, of, mark, ...context }: SweepChoice,
): Promise<Done> {
  const { name } = options.environment;
  const sweeping = await watermarks.sweepAlone(name, of, () =>
    runSweep(options, { ...context, mark: usable(mark, context.position) }),
  );
  if ('swept' in sweeping) return { decision, ...sweeping.swept };
  if (!decision.isOverdue || mark === undefined) {
    throw new Undetermined(
      `${sweeping.busy} makes the full run of these checks that this one would go on from`,
      {
        hint: 'run it again when that has ended; without --incremental it looks at everything itself',
      },
    );
  }
  const { run, sweep } = await runChanges(options, { ...context, mark });
  const note = `the full run that is due is being made by ${sweeping.busy}`;
  return { decision: { kind: 'changes', mark }, run: { ...run, notes: [note, ...run.notes] }, sweep };
}

interface Done {
  readonly decision: Decision;
  readonly run: CheckRun;
  readonly sweep: Sweep | null;
}

interface ResultContext {
  readonly watermarks: Watermarks;
  readonly environment: string;
  readonly of: string;
  readonly position: ServerPosition;
  readonly mark: Watermark | undefined;
}

async function resultOf(
  { decision, run, sweep }: Done,
  { watermarks, environment, of, position, mark }: ResultContext,
): Promise<CheckRun> {
  const mayMove = whyItStays(run, position);
  const from = decision.kind === 'sweep' ? null : decision.mark.at;
  const stayed = mayMove ?? (await moved(watermarks, environment, { of, position, sweep, from }));
  const incremental: IncrementalRun = {
    kind: decision.kind,
    reason: decision.kind === 'sweep' ? decision.reason : null,
    since: decision.kind === 'sweep' ? null : decision.mark.at,
    lastSweepAt: (stayed === null ? sweep : mark?.sweep)?.snapshotAt ?? null,
    watermark: stayed === null ? (position.settled?.toISOString() ?? null) : (mark?.at ?? null),
    stayed,
  };
  return { ...run, incremental, notes: [...notesOf(incremental, run.scope), ...run.notes] };
}

interface Move {
  readonly of: string;
  readonly position: ServerPosition;
  readonly sweep: Sweep | null;
  /** of a run of changes: where it began */
  readonly from: string | null;
}

/** Why it could not be moved; a full disk must not take the result of the checks with it. */
async function moved(
  watermarks: Watermarks,
  environment: string,
  { of, position: { server, settled }, sweep, from }: Move,
): Promise<string | null> {
  if (sweep === null || settled === null) return 'the full run was not completed';
  const mark: Watermark = { of, server, at: settled.toISOString(), sweep };
  try {
    await watermarks.change(environment, (known) => advanced(known, { mark, from }));
    return null;
  } catch (error) {
    if (!isExpected(error)) throw error;
    return `it could not be kept: ${messageOf(error)}`;
  }
}

interface SweepDecision {
  readonly kind: 'sweep';
  readonly reason: string;
  /** the watermark is good, only its last sweep is old */
  readonly isOverdue: boolean;
}

type Decision = SweepDecision | { readonly kind: 'changes'; readonly mark: Watermark };

/** A run of changes is only right where the mark is of this server, and a sweep has proven the runs not long ago. */
export function decide(
  mark: Watermark | undefined,
  { server, now }: Pick<ServerPosition, 'server' | 'now'>,
  { damaged, fullEvery }: { damaged: string | null; fullEvery: number },
): Decision {
  const sweep = (reason: string, isOverdue = false): Decision => ({ kind: 'sweep', reason, isOverdue });
  if (damaged !== null) return sweep(`the watermark is damaged: ${damaged}`);
  if (mark === undefined) return sweep('there is no good run of these checks in this window to go on from');
  if (mark.server !== server) return sweep('the watermark is of another server, or it was restored since');
  if (mark.at > now.toISOString()) return sweep("the server's clock is before the watermark");
  if (Number(now) - Date.parse(mark.sweep.snapshotAt) >= fullEvery)
    return sweep(`the last full run was at ${mark.sweep.snapshotAt}`, true);
  return { kind: 'changes', mark };
}

/** What a sweep may be compared with. */
function usable(mark: Watermark | undefined, { server }: ServerPosition): Watermark | undefined {
  return mark?.server === server ? mark : undefined;
}

interface ChangesContext {
  readonly window: WindowOptions;
  readonly position: ServerPosition;
  readonly mark: Watermark;
}

async function runChanges(
  options: RunChecksOptions,
  { window, position, mark }: ChangesContext,
): Promise<{ run: CheckRun; sweep: Sweep }> {
  const { catalogue } = options;
  const scope = scopeOf({ ...window, changedSince: new Date(mark.at) }, catalogue.windows);
  const restriction = scopeOf(window, catalogue.windows);
  const leaveOut = (check: Check) => {
    // The full run, which is to prove this one, leaves it out, too.
    const outside = outsideOf(check, restriction);
    if (outside !== null) return outside;
    const table = slowTableOf(check, catalogue, position.slowByTime);
    if (table === undefined) return options.leaveOut?.(check) ?? null;
    return {
      reason: `left to the full runs, as ${table} has no index on the time of its rows; the last one was at ${mark.sweep.snapshotAt}`,
      hint: `run it now without --incremental: --check ${check.id}`,
    };
  };
  return { run: await runChecks({ ...options, scope, leaveOut }), sweep: mark.sweep };
}

function slowTableOf(
  { window, sql }: Check,
  { views }: CheckCatalogue,
  slow: readonly string[],
): string | undefined {
  if (window !== 'time') return undefined;
  const code = [sql, ...viewsOf([sql], views).map((view) => view.sql)].join('\n');
  return namesIn(code, slow)[0];
}

interface SweepContext {
  readonly window: WindowOptions;
  readonly position: ServerPosition;
  readonly mark: Watermark | undefined;
  readonly selected: readonly Check[];
}

async function runSweep(
  options: RunChecksOptions,
  { window, position, mark, selected }: SweepContext,
): Promise<{ run: CheckRun; sweep: Sweep | null }> {
  const { catalogue, signal } = options;
  const changedSince = mark === undefined ? undefined : new Date(mark.sweep.watermark);
  const seen: { comparison: SweepComparison | { problem: unknown } } = {
    comparison: { problem: new Undetermined('the full run was not completed') },
  };
  const run = await runChecks({
    ...options,
    scope: scopeOf(window, catalogue.windows),
    afterwards: async (postgres, answered, context) => {
      seen.comparison = await compareSweep(postgres, {
        checks: selected.filter(
          (check) =>
            check.window !== 'none' && slowTableOf(check, catalogue, position.slowByTime) === undefined,
        ),
        run: answered,
        context,
        before: mark?.sweep ?? null,
        changed: changedSince && (scopeOf({ ...window, changedSince }, catalogue.windows) ?? undefined),
        signal,
      }).catch((problem: unknown) => {
        if (signal.aborted) throw problem;
        return { problem };
      });
      await options.afterwards?.(postgres, answered, context);
    },
  });
  const { comparison } = seen;
  const outcomes = [...run.outcomes, coverageResult(comparison, mark?.sweep ?? null)];
  const sweep =
    'problem' in comparison || run.snapshotAt === null || position.settled === null
      ? null
      : {
          snapshotAt: run.snapshotAt,
          watermark: position.settled.toISOString(),
          findings: comparison.findings,
        };
  return { run: { ...run, outcomes }, sweep };
}

function whyItStays(run: CheckRun, { settled }: ServerPosition): string | null {
  const bad = run.outcomes.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
  if (bad.length > 0) {
    const ids = bad.slice(0, 3).map(({ id }) => id);
    const more = bad.length > ids.length ? ` and ${bad.length - ids.length} more` : '';
    return `not all was good: ${ids.join(', ')}${more}`;
  }
  return settled === null ? 'how far the replica has come is not known' : null;
}

/** `scope`: what the run looked at, in words; null: all sessions */
export function notesOf(
  { kind, reason, since, lastSweepAt, stayed }: IncrementalRun,
  scope: string | null,
): string[] {
  const what =
    kind === 'sweep'
      ? `${scope === null ? 'a full run' : `a full run of ${scope}, changed or not`}: ${reason}`
      : `only what changed since ${since}; the last full run was at ${lastSweepAt}`;
  const next =
    stayed === null
      ? []
      : [`the watermark stays, and the next incremental run looks at the same again: ${stayed}`];
  return [what, ...next];
}

/** Other checks, another statement or another window have not been asked until the watermark. */
export function digestOf(
  selected: readonly Check[],
  { views, windows }: CheckCatalogue,
  scope: Scope | null,
): string {
  const asked = {
    checks: selected.map(({ id, window, sql }) => [id, window, sql]),
    views: views.map(({ name, sql }) => [name, sql]),
    windows: [...windows],
    scope: scope?.conditions ?? null,
  };
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 32);
}

/** What cannot be reached is told by the run itself, check by check. */
async function positionOf(
  { withPostgres, platform }: Pick<Environment, 'withPostgres' | 'platform'>,
  signal: AbortSignal,
): Promise<ServerPosition | Undetermined> {
  try {
    return await abortable(serverPosition(withPostgres, platform.integrity), signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof Undetermined)) throw error;
    return error;
  }
}
