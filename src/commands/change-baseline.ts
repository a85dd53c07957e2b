import {
  type Acceptance,
  type Baseline,
  type KnownFindings,
  knownFindings,
  nothingKnown,
  pruned,
  withAcceptance,
  withoutChecks,
} from '../checks/baseline/baseline.ts';
import { allKeys, type FoundKeys, stillFound } from '../checks/baseline/baseline-keys.ts';
import { baselineText, parseBaseline } from '../checks/baseline/baseline-text.ts';
import type { CheckResult } from '../checks/check-run.ts';
import { gently } from '../checks/running/gently.ts';
import { Undetermined, UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { requireNoOutcomes } from '../report/render.ts';
import { auditRecorder } from './audit-recorder.ts';
import { acceptReport, baselineListReport, changedReport } from './integrity-baseline-report.ts';
import type { IntegrityContext } from './integrity-context.ts';

export type BaselineContext = Pick<
  IntegrityContext,
  | 'catalogue'
  | 'baseline'
  | 'openEnvironment'
  | 'report'
  | 'options'
  | 'progress'
  | 'signal'
  | 'actor'
  | 'audit'
>;

export interface ChecksOption {
  readonly check: readonly string[];
}

export interface AcceptOptions extends ChecksOption {
  readonly until: Date;
  readonly owner: string;
}

export async function runBaselineAccept(
  { check, until, owner }: AcceptOptions,
  context: BaselineContext,
): Promise<void> {
  requireNoOutcomes(context.options.output, 'integrity.baseline.accept');
  requireChecks(check);
  const reason = requireReason(context);
  if (owner.trim() === '') throw new UsageError('--owner names nobody', { hint: 'a person or a team' });
  const store = await context.baseline();
  // A damaged file is told before the database is asked.
  const now = new Date();
  const { name } = await context.openEnvironment();
  const { accepted } = knownFindings(parseBaseline(store.read(), store.file), name, now);

  const { keys, notMade } = await look(context, (options) => allKeys({ ...options, only: check }));
  if (notMade.length > 0) throw couldNotBeMade(notMade);
  const effective = [...keys]
    .filter(([, found]) => found.size > 0)
    .map(
      ([id, found]): Acceptance => ({
        check: id,
        environment: name,
        until: until.toISOString(),
        owner: owner.trim(),
        reason,
        acceptedAt: now.toISOString(),
        acceptedBy: context.actor,
        keys: [...found],
      }),
    );
  const counts = [...keys].map(([id, found]) => {
    const renewed = new Set(accepted.get(id)?.filter((key) => found.has(key))).size;
    return { check: id, new: found.size - renewed, renewed };
  });
  const records = effective.map((one) => ({
    ...recordOf(one),
    renewed: counts.find(({ check: id }) => id === one.check)?.renewed ?? 0,
  }));
  await change(context, name, 'accept', records, (baseline) => effective.reduce(withAcceptance, baseline));
  await context.report(acceptReport({ file: store.file, environment: name, until, owner, counts }));
}

export async function runBaselineList({
  baseline,
  options,
  report,
}: Pick<BaselineContext, 'baseline' | 'options' | 'report'>): Promise<void> {
  const store = await baseline();
  const all = parseBaseline(store.read(), store.file);
  const shown =
    options.env === undefined ? all : all.filter(({ environment }) => environment === options.env);
  await report(baselineListReport(store.file, shown, new Date()));
}

export async function runBaselineRemove({ check }: ChecksOption, context: BaselineContext): Promise<void> {
  requireNoOutcomes(context.options.output, 'integrity.baseline.remove');
  requireChecks(check);
  const store = await context.baseline();
  const { name } = await context.openEnvironment();
  const here = parseBaseline(store.read(), store.file).filter(({ environment }) => environment === name);
  const known = [...new Set(here.map((one) => one.check))];
  const missing = check.find((id) => !known.includes(id));
  if (missing !== undefined) {
    const hint = known.length === 0 ? `nothing is accepted in ${name}` : didYouMean(missing, known);
    throw new UsageError(`nothing of ${missing} is accepted in ${name}`, { hint });
  }
  const removed = here.filter((one) => check.includes(one.check));
  await change(context, name, 'remove', removed.map(recordOf), (baseline) =>
    withoutChecks(baseline, name, check),
  );
  await context.report(changedReport('remove', { file: store.file, environment: name, removed }));
}

export async function runBaselinePrune(context: BaselineContext): Promise<void> {
  requireNoOutcomes(context.options.output, 'integrity.baseline.prune');
  const store = await context.baseline();
  const { name } = await context.openEnvironment();
  const here = parseBaseline(store.read(), store.file).filter(({ environment }) => environment === name);
  const { checks, classic } = await context.catalogue();
  const known = new Set([...checks, ...classic].map(({ id }) => id));
  const wanted = new Map<string, string[]>();
  for (const { check, keys } of here.filter((one) => known.has(one.check)))
    wanted.set(check, [...(wanted.get(check) ?? []), ...keys]);
  const { keys, notMade } =
    wanted.size === 0
      ? { keys: new Map<string, ReadonlySet<string>>(), notMade: [] }
      : await look(context, (options) => stillFound(options, wanted));
  // A check that there is no more has no findings either.
  const present = new Map(keys);
  for (const { check } of here) if (!known.has(check)) present.set(check, new Set());

  const removed = here
    .map((one) => ({ ...one, keys: one.keys.filter((key) => present.get(one.check)?.has(key) === false) }))
    .filter((one) => one.keys.length > 0);
  await change(context, name, 'prune', removed.map(recordOf), (baseline) => pruned(baseline, name, present));
  await context.report({
    ...changedReport('prune', { file: store.file, environment: name, removed, notMade }),
    exitCode: notMade.length === 0 ? 0 : exitCodeOf(['unknown']),
  });
}

/** What `integrity check` has to know; a damaged file ends it, as nobody could say what is new. */
export async function acceptedFindings(
  environment: string,
  { baseline }: Pick<BaselineContext, 'baseline'>,
): Promise<KnownFindings> {
  const store = await baseline();
  const text = store.read();
  return text === undefined
    ? nothingKnown
    : knownFindings(parseBaseline(text, store.file), environment, new Date());
}

async function look(
  context: BaselineContext,
  ask: (options: Omit<Parameters<typeof allKeys>[0], 'only'>) => Promise<FoundKeys>,
): Promise<Pick<FoundKeys, 'keys' | 'notMade'>> {
  const { signal, progress } = context;
  const [environment, catalogue] = await Promise.all([context.openEnvironment(), context.catalogue()]);
  progress.start(`looking at the data of ${environment.name}`);
  let found: FoundKeys | undefined;
  const { notes } = await gently(environment, signal, async (how) => {
    found = await ask({ ...how, catalogue, signal });
    return found.run;
  });
  progress.done();
  for (const note of notes) progress.note(note);
  return found ?? { keys: new Map(), notMade: [] };
}

/** On record before the file says it, so that nothing is accepted without a record. */
async function change(
  context: BaselineContext,
  environment: string,
  action: 'accept' | 'remove' | 'prune',
  acceptances: ReturnType<typeof recordOf>[],
  apply: (baseline: Baseline) => Baseline,
): Promise<void> {
  if (acceptances.length === 0) return;
  const store = await context.baseline();
  const record = auditRecorder(context, { environment, action: `integrity baseline ${action}` });
  await record('started', { file: store.file, acceptances });
  await store.update((text) => baselineText(apply(parseBaseline(text, store.file))));
  await record('done', {});
}

function recordOf({ check, keys, until, owner }: Acceptance) {
  return { check, findings: keys.length, until, owner };
}

function requireChecks(check: readonly string[]): void {
  if (check.length > 0) return;
  throw new UsageError('no check was named', {
    hint: 'add --check ID; examctl integrity check shows which have findings',
  });
}

function requireReason({ options: { reason } }: Pick<BaselineContext, 'options'>): string {
  if (reason !== undefined && reason.trim() !== '') return reason.trim();
  throw new UsageError('findings are accepted with a reason, and none was given', {
    hint: 'add --reason "why they may stay until then"; it is kept with them and goes into the audit log',
  });
}

function couldNotBeMade(results: readonly CheckResult[]): Undetermined {
  const reasons = results.map(({ id, message }) => `${id}: ${message}`);
  return new Undetermined(`nothing was accepted, as not every check could be made\n${reasons.join('\n')}`, {
    hint: results[0]?.hint ?? 'examctl integrity check',
  });
}
