import type { Check } from '../checks/check.ts';
import type { CheckResult, CheckRun } from '../checks/check-run.ts';
import { exitCodeOf, type OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';
import { checkRunLines, openFindings } from './integrity-lines.ts';

export function checkListReport(checks: readonly Check[]): Report {
  const shown = checks.map(({ sql: _, ...check }) => check);
  return {
    kind: 'integrity.list',
    data: { checks: shown },
    rows: shown,
    blocks: [
      {
        type: 'table',
        columns: [{ title: 'check' }, { title: 'severity' }, { title: 'what must hold' }, { title: 'cost' }],
        rows: checks.map(({ id, severity, title, cost }) => [id, severity, title, cost.class]),
      },
    ],
  };
}

export function checkRunReport(run: CheckRun): Report {
  const { outcomes } = run;
  return {
    kind: 'integrity.check',
    data: run,
    rows: checkRunLines(run),
    outcomes: outcomes.map(withDetails),
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'outcomes', outcomes },
      ...outcomes.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn').flatMap(findingsBlocks),
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
  return `by cause: ${[...shown, ...(more > 0 ? [`${more} more causes`] : [])].join(', ')}`;
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
    ...(more > 0 ? [{ type: 'text' as const, text: `and ${more} more causes` }] : []),
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
    {
      type: 'table',
      columns: columns.map(({ name }) => ({ title: name })),
      rows: shown.map((sample) => columns.map(({ name }) => sample[name] ?? null)),
    },
    ...(more > 0 ? [{ type: 'text' as const, text: `and ${more} more` }] : []),
    ...(hint === undefined ? [] : [{ type: 'text' as const, text: `What to do: ${hint}` }]),
  ];
}

/** How much the checks asked of the database, and what of it took longest. */
function closingLine({ environment, scope, durationMs, statements, identified }: CheckRun): string {
  const [slowest] = [...statements].sort((a, b) => b.durationMs - a.durationMs);
  const connections = new Set(statements.map(({ connection }) => connection)).size;
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const parts = [
    `${environment}, ${scope ?? 'all sessions'}`,
    `${statements.length} read-only ${statements.length === 1 ? 'statement' : 'statements'} on ${connections === 1 ? 'one connection' : `${connections} connections`} in ${seconds(durationMs)}`,
    ...(slowest === undefined
      ? []
      : [`longest ${slowest.checks.join(', ')} with ${seconds(slowest.durationMs)}`]),
    ...(identified ? ['students by their ids, on record'] : []),
  ];
  return parts.join('; ');
}
