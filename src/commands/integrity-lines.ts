import type { CheckResult, CheckRun, Finding } from '../checks/check-run.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import { schemaOf } from '../report/json.ts';
import { countsOf } from './integrity-history.ts';

/** On each line, as a reader may begin anywhere. */
const schema = schemaOf({ kind: 'integrity.check.line' });

/** What -o ndjson prints: each outcome and after it its samples; the run comes last, so that its absence is noticed. */
export function checkRunLines({ outcomes, ...run }: CheckRun): object[] {
  const all = outcomes.map(({ outcome }) => outcome);
  return [
    ...outcomes.flatMap(({ samples, ...outcome }) => [
      { schema, type: 'outcome', ...outcome },
      // What a check of severity info counts is in the summary of the run, and nothing that was found wrong.
      ...(outcome.severity === 'info' ? [] : sampleLines({ ...outcome, samples })),
    ]),
    { schema, type: 'run', ...run, outcomes: countsOf(all), exitCode: exitCodeOf(all) },
  ];
}

function sampleLines(result: CheckResult): object[] {
  const open = openFindings(result);
  return result.samples.map((finding, index) => ({
    ...findingLine(result.id, finding),
    ...(index >= open && { accepted: true }),
  }));
}

/** Those that nobody accepted; of the samples they come first. */
export function openFindings({ findings, accepted }: Pick<CheckResult, 'findings' | 'accepted'>): number {
  return (findings ?? 0) - accepted;
}

/** Its values are apart from what the line says about it: a column may have any name. */
export function findingLine(check: string, finding: Finding): object {
  return { schema, type: 'finding', check, finding };
}
