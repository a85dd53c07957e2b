import { exitCodeOf } from '../lifecycle/outcome.ts';
import { type FindLimitOptions, type FoundLimit, findLimit, type LimitStep } from '../load/find-limit.ts';
import type { LoadPorts } from '../load/ports.ts';
import type { Report } from '../report/report.ts';
import type { Context } from './context.ts';

export async function runFindLimit(
  options: Omit<FindLimitOptions, 'onStep'>,
  ports: LoadPorts,
  { progress, report }: Pick<Context, 'progress' | 'report'>,
): Promise<Report> {
  const limit = await findLimit({ ...options, onStep: (step) => progress.note(stepText(step)) }, ports);
  progress.done(`${limit.carried} students`);
  const made = limitReport(limit, options);
  await report(made);
  return made;
}

function stepText({ students, p95, errorRate, outcome, because }: LimitStep): string {
  const how = because === null ? 'carried' : `${outcome === 'fail' ? 'not carried' : 'unclear'}: ${because}`;
  return `${students} students: p95 ${p95 ?? 'unknown'} ms, ${(100 * errorRate).toFixed(1)} % failed, ${how}`;
}

export function limitReport(
  limit: FoundLimit,
  { environment, scenario, folder }: Pick<FindLimitOptions, 'environment' | 'scenario' | 'folder'>,
): Report {
  const { carried, bottleneck, steps, outcome } = limit;
  const { p95Ms } = environment.thresholds;
  const first = bottleneck === null ? '' : `; first bottleneck: ${bottleneck.text}`;
  const least = outcome.outcome === 'unknown' ? 'at least ' : '';
  return {
    kind: 'load.limit',
    data: { scenario, environment: environment.name, ...limit },
    rows: steps,
    outcomes: [outcome],
    exitCode: exitCodeOf([outcome.outcome]),
    blocks: [
      {
        type: 'heading',
        text: `${environment.name} carries ${least}${carried} students of ${scenario} at p95 < ${p95Ms} ms${first}`,
      },
      {
        type: 'table',
        columns: [
          { title: 'Students', align: 'right' },
          { title: 'p95 ms', align: 'right' },
          { title: 'Failed', align: 'right' },
          { title: 'Requests', align: 'right' },
          { title: 'Most used' },
        ],
        rows: [...steps]
          .sort((a, b) => a.students - b.students)
          .map(({ students, p95, errorRate, requests, resources }) => [
            students,
            p95,
            `${(100 * errorRate).toFixed(1)} %`,
            requests,
            resources[0]?.text ?? null,
          ]),
      },
      { type: 'outcomes', outcomes: [outcome] },
      { type: 'text', text: `Evidence: ${folder}` },
    ],
  };
}
