import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { LoadResult } from '../load/load-result.ts';
import type { Reconciliation } from '../load/reconcile/reconciliation.ts';
import type { PreparedLoad } from '../load/run-load.ts';
import { profileNames } from '../load/scenario.ts';
import { scenarios } from '../load/scenarios/index.ts';
import type { Block, Report } from '../report/report.ts';

export function scenariosReport(): Report {
  const rows = scenarios.flatMap(({ id, title, description, profiles }) =>
    profileNames.map((profile) => ({
      scenario: id,
      title,
      description,
      profile,
      students: profiles[profile].students,
      seconds: profiles[profile].seconds,
      questions: profiles[profile].questions,
    })),
  );
  return {
    kind: 'load.list',
    data: { scenarios: rows },
    rows,
    blocks: [
      {
        type: 'table',
        columns: [
          { title: 'Scenario' },
          { title: 'Profile' },
          { title: 'Students', align: 'right' },
          { title: 'Seconds', align: 'right' },
          { title: 'What it does' },
        ],
        rows: rows.map(({ scenario, profile, students, seconds, title, description }) => [
          scenario,
          profile,
          students,
          seconds,
          `${title}: ${description}`,
        ]),
      },
    ],
  };
}

export function loadReport(
  result: LoadResult,
  reconciliation: Reconciliation | null,
  folder: string,
): Report {
  const outcomes = [...result.outcomes, ...(reconciliation === null ? [] : [reconciliation])];
  return {
    kind: 'load.run',
    data: { ...result, outcomes, reconciliation },
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      {
        type: 'heading',
        text: `${result.scenario} (${result.profile}, ${result.engine.name} ${result.engine.version})`,
      },
      ...(result.requests === 0 ? [] : [endpointTable(result.perEndpoint)]),
      ...causeBlocks(result.causes),
      { type: 'outcomes', outcomes },
      ...(result.engine.name === 'builtin' ? [differenceToK6] : []),
      ...(result.sessionsLeftOpen === 0 ? [] : [leftOpen(result.sessionsLeftOpen)]),
      { type: 'text', text: `Evidence: ${folder}` },
    ],
  };
}

/** Of all phases: what fails while a run is prepared is measured nowhere else. */
export function causeBlocks(causes: LoadResult['causes']): Block[] {
  if (causes.length === 0) return [];
  return [
    {
      type: 'table',
      columns: [
        { title: 'Failed request' },
        { title: 'Status', align: 'right' },
        { title: 'Times', align: 'right' },
        { title: 'What was said first' },
        { title: 'Request id' },
      ],
      rows: causes.map(({ endpoint, status, times, first }) => [
        endpoint,
        status === 0 ? 'none' : status,
        times,
        first?.said ?? null,
        first?.requestId ?? null,
      ]),
    },
  ];
}

const differenceToK6: Block = {
  type: 'text',
  text: 'Built-in engine: the students, requests, times and thresholds are those of k6; it speaks HTTP/1.1 only, is one thread for each worker, and its latencies contain the connecting and the parsing of an answer.',
};

function leftOpen(sessions: number): Block {
  return {
    type: 'text',
    text: `${sessions} exam sessions of the load could not be submitted and stay in progress until they expire`,
  };
}

export function endpointTable(perEndpoint: LoadResult['perEndpoint']): Block {
  const endpoints = Object.entries(perEndpoint);
  return {
    type: 'table',
    columns: [
      { title: 'Request' },
      { title: 'Count', align: 'right' },
      { title: 'Failed', align: 'right' },
      { title: 'p50 ms', align: 'right' },
      { title: 'p95 ms', align: 'right' },
      { title: 'p99 ms', align: 'right' },
      { title: 'Worst ms', align: 'right' },
    ],
    rows: endpoints.map(([name, { requests, failed, latency }]) => [
      name,
      requests,
      failed,
      latency?.p50 ?? null,
      latency?.p95 ?? null,
      latency?.p99 ?? null,
      latency?.max ?? null,
    ]),
  };
}

/** What --dry-run shows: what a run would write, because it cannot be deleted afterwards. */
export function loadPlanReport({ plan, scenario }: PreparedLoad): Report {
  const answers = plan.students.reduce((sum, student) => sum + student.answers.length, 0);
  const submits = plan.students.reduce((sum, { submitTwice }) => sum + (submitTwice ? 2 : 1), 0);
  const { students, ...about } = plan;
  const planned = { ...about, students: students.length, sessions: students.length, answers, submits };
  return {
    kind: 'load.plan',
    data: planned,
    blocks: [
      { type: 'heading', text: `${scenario.id} on ${plan.baseUrl}` },
      {
        type: 'list',
        items: [
          `${students.length} virtual students: ${scenario.description}`,
          `${plan.leadInSeconds} s to prepare, ${plan.seconds} s measured, up to ${plan.graceSeconds} s to end`,
          `writes ${students.length} sessions, ${answers} answers and ${submits} submits, which cannot be deleted afterwards`,
        ],
      },
    ],
  };
}
