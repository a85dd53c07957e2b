import type { Outcome, OutcomeRecord } from '../lifecycle/outcome.ts';
import { outcomesOf } from './outcomes-of.ts';
import type { Report } from './report.ts';

/** A pass is nothing to annotate. What could not be determined is as red as in JUnit: it is no pass. */
const levels: Readonly<Partial<Record<Outcome, 'error' | 'warning' | 'notice'>>> = {
  fail: 'error',
  unknown: 'error',
  warn: 'warning',
  skipped: 'notice',
};

/**
 * Annotations of GitHub Actions, and a last line for the log. GitHub shows the first ten of a level, hence those that
 * failed come before those that are unknown.
 */
export function renderGithub(report: Report): string {
  const outcomes = outcomesOf(report);
  const annotations = Object.keys(levels).flatMap((outcome) =>
    outcomes.filter((record) => record.outcome === outcome).map(annotation),
  );
  return [...annotations, countsOf(outcomes)].map((line) => `${line}\n`).join('');
}

function annotation({ id, title, outcome, message, hint, at }: OutcomeRecord): string {
  const text = [`${title}: ${message}`, ...(hint === undefined ? [] : [`What to do: ${hint}`])].join('\n');
  const properties = Object.entries({
    file: at?.file.replaceAll('\\', '/'),
    line: at?.line,
    col: at?.column,
    title: `${id}: ${outcome}`,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${property(String(value))}`]));
  return `::${levels[outcome]} ${properties.join(',')}::${data(text)}`;
}

function countsOf(outcomes: readonly OutcomeRecord[]): string {
  const counts = new Map<Outcome, number>();
  for (const { outcome } of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

/**
 * As the runner reads it: a command ends with its line, so text from a database cannot begin another one.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
