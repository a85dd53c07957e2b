import { Command } from 'commander';
import { type CheckChange, compareRuns } from '../checks/compare-runs.ts';
import { exitCodeOf, type Outcome, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';
import { type FoundRun, findRun, type SavedRun } from './check-history.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { declare } from './traits.ts';

type CompareContext = Pick<IntegrityContext, 'history' | 'openEnvironment' | 'report'>;

export function integrityCompareCommand(context: CompareContext): Command {
  return declare(new Command('compare'), { judges: true })
    .description('show what changed between two runs of integrity check: new findings, gone ones, outcomes')
    .argument(
      '<before>',
      'an id or its beginning, latest, previous, or a JSON file of integrity check -o json',
    )
    .argument('<after>', 'the same')
    .addHelpText(
      'after',
      `
Findings are compared one by one where both runs kept all of a check's, and by their numbers elsewhere; it says which.
Runs of different windows (--since, --exam, --sessions ...) cannot be compared: what lies outside of one is not gone.

Examples:
  examctl integrity compare previous latest
  examctl integrity compare before-deploy.json latest -e staging

Exit codes: 0 nothing got worse, 1 something did: new findings that nobody accepted, or a worse outcome,
3 a check could not be made in one of the runs, or they looked at different sessions.`,
    )
    .action((before: string, after: string) => runIntegrityCompare(before, after, context));
}

export async function runIntegrityCompare(
  before: string,
  after: string,
  { history, openEnvironment, report }: CompareContext,
): Promise<void> {
  const environment = async () => (await openEnvironment()).name;
  const [earlier, later] = [
    await findRun(before, environment, history),
    await findRun(after, environment, history),
  ];
  await report(compareReport(earlier, later));
}

export function compareReport(before: FoundRun, after: FoundRun): Report {
  const changes = compareRuns(before.run, after.run);
  const outcomes = changes.map(outcomeOf);
  const notes = differences(before.run, after.run);
  const spoken = outcomes.filter((_, index) => !['same', 'skipped'].includes(changes[index]?.change ?? ''));
  const quiet = changes.filter(({ change }) => change === 'same').length;
  const skipped = changes.filter(({ change }) => change === 'skipped').map(({ id }) => id);
  return {
    kind: 'integrity.compare',
    data: { before: headOf(before), after: headOf(after), notes, checks: changes },
    rows: changes,
    outcomes,
    exitCode: changes.length === 0 ? 3 : exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'text', text: `before: ${inWords(before)}` },
      { type: 'text', text: `after: ${inWords(after)}` },
      ...notes.map((text): Block => ({ type: 'text', text: `Note: ${text}` })),
      ...(spoken.length === 0 ? [] : [{ type: 'outcomes' as const, outcomes: spoken }]),
      ...changes.flatMap(findingsBlocks),
      { type: 'text', text: closingLine(quiet, skipped) },
    ],
  };
}

function closingLine(quiet: number, skipped: readonly string[]): string {
  const same = `${quiet} ${quiet === 1 ? 'check is' : 'checks are'} as before`;
  return skipped.length === 0 ? same : `${same}; in one of the runs only: ${skipped.join(', ')}`;
}

const outcomeOfChange: Readonly<Record<CheckChange['change'], Outcome>> = {
  worse: 'fail',
  better: 'pass',
  same: 'pass',
  unknown: 'unknown',
  skipped: 'skipped',
};

function outcomeOf(change: CheckChange): OutcomeRecord {
  const { id, title, findings, outcome, comparedBy, reason } = change;
  const base = { id, title, outcome: outcomeOfChange[change.change] };
  const sides = `${outcome.before ?? 'not asked'} -> ${outcome.after ?? 'not asked'}`;
  if (reason !== null)
    return {
      ...base,
      message: `cannot be compared: ${reason}`,
      hint: 'compare runs of the same window; examctl integrity history shows what each looked at',
    };
  if (comparedBy === null) return { ...base, message: `cannot be compared: ${sides}` };
  const least = comparedBy === 'counts' ? 'at least ' : '';
  const parts = [
    ...((change.new ?? 0) > 0 ? [`${least}${change.new} new`] : []),
    ...((change.gone ?? 0) > 0 ? [`${least}${change.gone} gone`] : []),
  ];
  const how = comparedBy === 'counts' ? 'by their numbers' : 'one by one';
  const detail = parts.length === 0 ? '' : ` (${parts.join(', ')}, ${how})`;
  const turned = outcome.before === outcome.after ? '' : `; ${sides}`;
  return { ...base, message: `findings ${findings.before} -> ${findings.after}${detail}${turned}` };
}

const shownFindings = 20;

function findingsBlocks({ id, change, newFindings }: CheckChange): Block[] {
  const [first] = newFindings;
  if (change !== 'worse' || first === undefined) return [];
  const columns = Object.keys(first);
  const more = newFindings.length - shownFindings;
  return [
    { type: 'heading', text: `${id}: new` },
    {
      type: 'table',
      columns: columns.map((title) => ({ title })),
      rows: newFindings
        .slice(0, shownFindings)
        .map((finding) => columns.map((column) => finding[column] ?? null)),
    },
    ...(more > 0 ? [{ type: 'text' as const, text: `and ${more} more` }] : []),
  ];
}

/** Why something may only seem to be new or gone. */
function differences(before: SavedRun, after: SavedRun): string[] {
  return [
    ...(before.environment === after.environment
      ? []
      : [`the runs are of two environments: ${before.environment} and ${after.environment}`]),
    ...(before.startedAt <= after.startedAt ? [] : ['the first of the runs is the later one']),
  ];
}

function lookedAt({ scope }: SavedRun): string {
  return scope ?? 'all sessions';
}

function headOf({ name, run: { environment, scope, startedAt } }: FoundRun) {
  return { run: name, environment, scope, startedAt };
}

function inWords({ name, run }: FoundRun): string {
  return `${name}, ${run.environment} at ${run.startedAt}, ${lookedAt(run)}`;
}
