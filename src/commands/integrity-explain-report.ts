import { type Check, outcomeOfFindings, type WindowKind } from '../checks/check.ts';
import type { CheckCatalogue } from '../checks/index.ts';
import type { CheckPlan } from '../checks/statements/explain-plan.ts';
import { viewsOf } from '../checks/statements/views.ts';
import { exitCodeOf, type Outcome, type OutcomeRecord } from '../lifecycle/outcome.ts';
import { schemaOf } from '../report/json.ts';
import type { Block, Report } from '../report/report.ts';

export function explainCheckReport(
  check: Check,
  catalogue: Pick<CheckCatalogue, 'checks' | 'classic' | 'views'>,
  plan: CheckPlan,
  { isWanted }: { isWanted: boolean },
): Report {
  const sharedViews = sharedViewsOf(check, catalogue);
  const outcomes = [planOutcome(plan)];
  const kind = 'integrity.explain';
  const data = { check, sharedViews, plan };
  return {
    kind,
    data,
    rows: [{ schema: schemaOf({ kind }), ...data }],
    outcomes,
    exitCode: isWanted ? exitCodeOf(outcomes.map(({ outcome }) => outcome)) : 0,
    blocks: [
      { type: 'heading', text: `${check.id}: ${check.title}` },
      { type: 'list', items: inWords(check, sharedViews) },
      { type: 'heading', text: 'What a finding shows' },
      {
        type: 'table',
        columns: [{ title: 'column' }, { title: 'meaning' }, { title: 'shown' }],
        rows: check.columns.map(({ name, meaning, personal }) => [
          name,
          meaning,
          personal ? 'as a pseudonym' : 'as it is stored',
        ]),
      },
      { type: 'heading', text: 'How the database answers it' },
      ...planBlocks(plan, outcomes),
    ],
  };
}

interface SharedView {
  readonly name: string;
  /** ids of the other checks that select from it */
  readonly with: readonly string[];
}

function sharedViewsOf(
  check: Check,
  { checks, classic, views }: Pick<CheckCatalogue, 'checks' | 'classic' | 'views'>,
): SharedView[] {
  const others = [...checks, ...classic].filter(({ id }) => id !== check.id);
  return viewsOf([check.sql], views).map((view) => ({
    name: view.name,
    with: others.filter(({ sql }) => viewsOf([sql], views).includes(view)).map(({ id }) => id),
  }));
}

const weightOf: Readonly<Record<Exclude<Outcome, 'unknown' | 'skipped'>, string>> = {
  fail: 'a finding fails the run',
  warn: 'a finding is a warning',
  pass: 'it only counts: nothing about its row is wrong',
};

const windowWords: Readonly<Record<WindowKind, string>> = {
  sessions: 'sessions: with --since and the like it looks only at the rows of those sessions',
  time: 'time: with --since and the like it looks only at the rows written in that time; a run of some sessions without a time skips it',
  none: 'none: it always looks at everything, which is cheap',
};

function inWords(check: Check, sharedViews: readonly SharedView[]): string[] {
  const { question, finding, remedy, severity, window, cost, revision, occurred, looksAt, suites, note } =
    check;
  const weight = weightOf[outcomeOfFindings(severity) as keyof typeof weightOf];
  return [
    ...(check.broken === undefined ? [] : [`Broken: ${check.broken.reason}; ${check.broken.hint}`]),
    `It asks: ${question}`,
    `Why it matters: ${finding}`,
    `How severe: ${severity}; ${weight}`,
    `What to do: ${remedy}`,
    `Its window: ${windowWords[window]}`,
    ...(occurred === undefined ? [] : [`When it happened: ${occurred}`]),
    ...(looksAt === undefined ? [] : [`What it looks at: ${looksAt}`]),
    `What it costs: ${cost.class}${cost.words === '' ? '' : `; ${cost.words}`}`,
    `Since: ${revision === undefined ? 'every revision of the schema' : `revision ${revision} of the schema`}`,
    ...sharedViews.map(
      (view) =>
        `Shares the view ${view.name}, which is computed once for it and ${view.with.join(', ') || 'no other check'}`,
    ),
    ...(suites.length === 0 ? [] : [`Suites: ${suites.join(', ')}`]),
    ...(note === undefined ? [] : [`Note: ${note}`]),
    `File: ${check.file}`,
    // A file that is wrong may lack any of them.
  ].filter((line) => !line.endsWith(': '));
}

function planOutcome(plan: CheckPlan): OutcomeRecord {
  const { outcome } = plan;
  const record = { id: 'plan', title: 'the plan is known', outcome };
  if (plan.outcome !== 'pass')
    return { ...record, message: plan.reason, ...(plan.hint === undefined ? {} : { hint: plan.hint }) };
  return { ...record, message: planWords(plan) };
}

function planWords({ environment, cost, rows, analyzed }: CheckPlan & { outcome: 'pass' }): string {
  const number = (value: number) => Math.round(value).toLocaleString('en-GB');
  const how = analyzed ? 'carried out' : 'planned, not carried out';
  return `on ${environment}, for all sessions, ${how}: cost ${number(cost)} in the planner's unit, about ${number(rows)} ${rows === 1 ? 'row' : 'rows'} expected`;
}

function planBlocks(plan: CheckPlan, outcomes: readonly OutcomeRecord[]): Block[] {
  if (plan.outcome !== 'pass') return [{ type: 'outcomes', outcomes }];
  return [
    { type: 'text', text: planWords(plan) },
    { type: 'code', text: plan.text.join('\n') },
  ];
}
