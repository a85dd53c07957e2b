import type { Check } from '../checks/check.ts';
import type { CheckResult, CheckRun } from '../checks/check-run.ts';
import { exitCodeOf, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';
import { checkRunLines, openFindings } from './integrity-lines.ts';

export function checkListReport(checks: readonly Check[]): Report {
  const shown = checks.map(({ sql: _, ...check }) => check);
  const sound = checks.filter(({ broken }) => broken === undefined);
  return {
    kind: 'integrity.list',
    data: { checks: shown },
    rows: shown,
    onlyShows: true,
    blocks: [
      {
        type: 'table',
        columns: [
          { title: 'check' },
          { title: 'severity' },
          { title: 'what must hold' },
          { title: 'looks at' },
          { title: 'suites' },
          { title: 'cost' },
        ],
        rows: sound.map(({ id, severity, title, looksAt, suites, cost }) => [
          id,
          severity,
          title,
          looksAt ?? '',
          suites.join(', '),
          cost.class,
        ]),
      },
      ...brokenBlocks(checks),
    ],
  };
}

/** Files of the user's own that keep their check from being made. */
function brokenBlocks(checks: readonly Check[]): Block[] {
  const items = checks.flatMap(({ id, broken }) =>
    broken === undefined ? [] : [`${id}: ${broken.reason}; ${broken.hint}`],
  );
  if (items.length === 0) return [];
  return [
    { type: 'heading', text: 'Broken' },
    { type: 'list', items },
  ];
}

/** What is bad comes first. */
const order: readonly OutcomeRecord['outcome'][] = ['fail', 'unknown', 'warn', 'pass', 'skipped'];

function worstFirst(outcomes: readonly CheckResult[], failedOnly: boolean): CheckResult[] {
  const shown = failedOnly
    ? outcomes.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'skipped')
    : outcomes;
  return [...shown].sort((one, other) => order.indexOf(one.outcome) - order.indexOf(other.outcome));
}

/** One cause is said once, with the number of checks that it keeps from being made. */
function withCauseOnce(outcomes: readonly OutcomeRecord[]): OutcomeRecord[] {
  const causeOf = ({ outcome, message, hint }: OutcomeRecord) =>
    outcome === 'unknown' ? `${message}\n${hint}` : null;
  return outcomes.flatMap((outcome) => {
    const cause = causeOf(outcome);
    const same = cause === null ? [] : outcomes.filter((other) => causeOf(other) === cause);
    if (same.length < fewest) return [outcome];
    if (same[0] !== outcome) return [];
    return [{ ...outcome, id: 'checks', title: `${same.length} checks could not be made` }];
  });
}

/** As many alike are told together. */
const fewest = 3;

export function checkRunReport(run: CheckRun, { failedOnly = false } = {}): Report {
  const { outcomes } = run;
  const shown = worstFirst(outcomes, failedOnly);
  const left = outcomes.length - shown.length;
  return {
    kind: 'integrity.check',
    data: run,
    rows: checkRunLines(run),
    outcomes: shown.map(withDetails),
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'outcomes', outcomes: withCauseOnce(shown) },
      ...(left === 0 ? [] : [{ type: 'text' as const, text: `${left} more passed or were left out` }]),
      ...shown.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn').flatMap(findingsBlocks),
      ...run.notes.map((note): Block => ({ type: 'text', text: `Note: ${note}` })),
      { type: 'text', text: closingLine(run) },
    ],
  };
}

/** For formats that show one text for each outcome. */
function withDetails(result: CheckResult): OutcomeRecord {
  if (result.outcome !== 'fail' && result.outcome !== 'warn') return result;
  const when = whenOf(result);
  const causes = causesInWords(result.causes);
  const details = [when, causes].filter((detail) => detail !== null);
  return { ...result, message: [result.message, ...details].join('; ') };
}

/** null where the rows do not tell */
function whenOf({ firstAt, lastAt }: Pick<CheckResult, 'firstAt' | 'lastAt'>): string | null {
  if (firstAt === null || lastAt === null) return null;
  return firstAt === lastAt ? `at ${firstAt}` : `first at ${firstAt}, last at ${lastAt}`;
}

const shownCauses = 10;

/** null where the rows show none */
function causesInWords(causes: CheckResult['causes']): string | null {
  const [only] = causes;
  if (only === undefined) return null;
  if (causes.length === 1) return `cause of all: ${only.cause}`;
  const shown = causes.slice(0, shownCauses).map(({ cause, count }) => `${cause} (${count})`);
  const more = causes.length - shown.length;
  return `by cause: ${[...shown, ...(more > 0 ? [moreCauses(more)] : [])].join(', ')}`;
}

function moreCauses(count: number): string {
  return `${count} more ${count === 1 ? 'cause' : 'causes'}`;
}

function causesBlocks(causes: CheckResult['causes']): Block[] {
  const [only] = causes;
  if (only === undefined) return [];
  if (causes.length === 1) return [{ type: 'text', text: `Cause of all: ${only.cause}` }];
  const more = causes.length - shownCauses;
  return [
    {
      type: 'table',
      columns: [{ title: 'findings', align: 'right' }, { title: 'cause' }],
      rows: causes.slice(0, shownCauses).map(({ cause, count }) => [count, cause]),
    },
    ...(more > 0 ? [{ type: 'text' as const, text: `and ${moreCauses(more)}` }] : []),
  ];
}

function findingsBlocks(result: CheckResult): Block[] {
  const { id, title, message, hint, columns } = result;
  const open = openFindings(result);
  // accepted ones come last
  const shown = result.samples.slice(0, open);
  const more = open - shown.length;
  const when = whenOf(result);
  return [
    { type: 'heading', text: `${id}: ${title}` },
    { type: 'text', text: when === null ? message : `${message}; ${when}` },
    ...causesBlocks(result.causes),
    ...(shown.length === 0
      ? [{ type: 'text' as const, text: `${findingsInWords(open)}; --samples shows them` }]
      : [
          {
            type: 'table' as const,
            columns: columns.map(({ name }) => ({ title: name })),
            rows: shown.map((sample) => columns.map(({ name }) => sample[name] ?? null)),
          },
          ...(more > 0 ? [{ type: 'text' as const, text: `and ${more} more` }] : []),
        ]),
    ...(hint === undefined ? [] : [{ type: 'text' as const, text: `What to do: ${hint}` }]),
  ];
}

function findingsInWords(count: number): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? 'finding' : 'findings'}`;
}

/** Milliseconds from which on it is worth a word which statement took longest. */
const noticeable = 100;

/** How much the checks asked of the database, and what of it took longest. */
function closingLine({ environment, scope, durationMs, statements, identified }: CheckRun): string {
  const [slowest] = [...statements].sort((a, b) => b.durationMs - a.durationMs);
  const connections = new Set(statements.map(({ connection }) => connection)).size;
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const parts = [
    `${environment}, ${scope ?? 'all sessions'}`,
    `${statements.length} read-only ${statements.length === 1 ? 'statement' : 'statements'} on ${connections === 1 ? 'one connection' : `${connections} connections`} in ${seconds(durationMs)}`,
    ...(slowest === undefined || slowest.durationMs < noticeable
      ? []
      : [`longest ${fewOf(slowest.checks)} with ${seconds(slowest.durationMs)}`]),
    ...(identified ? ['students by their ids, on record'] : []),
  ];
  return parts.join('; ');
}

function fewOf(ids: readonly string[]): string {
  if (ids.length <= 2) return ids.join(', ');
  return `${ids.slice(0, 2).join(', ')} and ${ids.length - 2} more`;
}
