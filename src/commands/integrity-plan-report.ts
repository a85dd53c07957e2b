import type { CheckPlan } from '../checks/running/run-checks.ts';
import { reasonOf } from '../checks/statements/statement-error.ts';
import type { Block, Report } from '../report/report.ts';

/** Of the planner's unit, roughly: what is looked up for each finding is counted as if all rows were findings. */
const secondsPerCost = 3e-6;
/** Nothing is let run longer. */
const statementTimeout = 60;

export interface PlannedRun {
  readonly environment: string;
  /** which sessions, in words; null: all */
  readonly scope: string | null;
  readonly plan: CheckPlan;
  /** seconds that a statement of these checks took in an earlier run; undefined when there is none */
  readonly tookBefore: (checks: readonly string[]) => number | undefined;
  readonly notes: readonly string[];
}

/** What `integrity check` would ask, with what it costs. */
export function checkPlanReport({ environment, scope, plan, tookBefore, notes }: PlannedRun): Report {
  const statements = plan.statements.map(({ checks, cost }) => {
    const ids = checks.map(({ id }) => id);
    const before = tookBefore(ids);
    return {
      checks: ids,
      cost,
      seconds: before ?? Math.min(statementTimeout, cost * secondsPerCost),
      estimatedBy: before === undefined ? ('cost' as const) : ('history' as const),
    };
  });
  const seconds = statements.map((statement) => statement.seconds);
  const total = seconds.reduce((sum, one) => sum + one, 0);
  const data = {
    environment,
    scope,
    connections: plan.connections,
    sessionsInProgress: plan.sessionsInProgress,
    statements,
    seconds: Math.max(total / plan.connections, ...seconds),
    leftOut: plan.leftOut.map(({ check, reason }) => ({ check: check.id, reason })),
    problems: plan.problems.map(({ check, error }) => ({ check: check.id, problem: reasonOf(error) })),
    notes,
  };
  return {
    kind: 'integrity.plan',
    data,
    rows: statements,
    onlyShows: true,
    // As the run would be.
    exitCode: data.problems.length === 0 ? 0 : 3,
    blocks: [
      {
        type: 'table',
        columns: [
          { title: 'statement', align: 'right' },
          { title: 'checks' },
          { title: 'cost', align: 'right' },
          { title: 'takes', align: 'right' },
          { title: 'by' },
        ],
        rows: statements.map((statement, index) => [
          index + 1,
          statement.checks.join(', '),
          Math.round(statement.cost).toLocaleString('en-GB'),
          about(statement.seconds),
          statement.estimatedBy === 'cost' ? 'its cost, roughly' : 'an earlier run',
        ]),
      },
      ...listOf(
        'left out',
        data.leftOut.map(({ check, reason }) => `${check}: ${reason}`),
      ),
      ...listOf(
        'cannot be asked',
        data.problems.map(({ check, problem }) => `${check}: ${problem}`),
      ),
      ...listOf('notes', notes),
      { type: 'text', text: closingLine(data) },
    ],
  };
}

function listOf(title: string, items: readonly string[]): Block[] {
  if (items.length === 0) return [];
  return [
    { type: 'heading', text: title },
    { type: 'list', items },
  ];
}

function closingLine(data: {
  readonly environment: string;
  readonly scope: string | null;
  readonly connections: number;
  readonly sessionsInProgress: number | null;
  readonly statements: readonly unknown[];
  readonly seconds: number;
}): string {
  const { environment, scope, connections, sessionsInProgress, statements, seconds } = data;
  const live =
    sessionsInProgress === null
      ? 'whether students are in exams could not be seen'
      : sessionsInProgress === 0
        ? 'no student is in an exam'
        : `${sessionsInProgress === 1 ? '1 exam session is' : `${sessionsInProgress} exam sessions are`} in progress, so it would rest between statements`;
  const load = `${statements.length} read-only ${statements.length === 1 ? 'statement' : 'statements'}`;
  const on = connections === 1 ? 'one connection' : `${connections} connections`;
  const time = seconds < 0.1 ? 'less than 0.1 s' : `about ${about(seconds)}`;
  return `${environment}, ${scope ?? 'all sessions'}; ${load} on ${on}, together ${time}; ${live}. Only EXPLAIN was run.`;
}

function about(seconds: number): string {
  return seconds < 0.1 ? '< 0.1 s' : `${seconds.toFixed(1)} s`;
}
