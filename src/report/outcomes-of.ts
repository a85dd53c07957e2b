import type { OutcomeRecord } from '../lifecycle/outcome.ts';
import type { Report } from './report.ts';

/** A report without outcomes of its own is one: an empty test suite would read as success. */
export function outcomesOf(report: Report): readonly OutcomeRecord[] {
  const shown = report.blocks.flatMap((block) => (block.type === 'outcomes' ? block.outcomes : []));
  const outcomes = report.outcomes ?? shown;
  if (outcomes.length > 0) return outcomes;
  const { exitCode = 0 } = report;
  const outcome = exitCode === 0 ? 'pass' : exitCode === 3 ? 'unknown' : 'fail';
  return [{ id: report.kind, title: report.kind, outcome, message: `exit code ${exitCode}` }];
}
