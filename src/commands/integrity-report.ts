import type { Check } from '../checks/check.ts';
import type { CheckResult, CheckRun } from '../checks/check-run.ts';
import { exitCodeOf } from '../lifecycle/outcome.ts';
import type { Block, Report } from '../report/report.ts';

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
    rows: outcomes,
    outcomes,
    exitCode: exitCodeOf(outcomes.map(({ outcome }) => outcome)),
    blocks: [
      { type: 'outcomes', outcomes },
      ...outcomes.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn').flatMap(findingsBlocks),
      { type: 'text', text: closingLine(run) },
    ],
  };
}

function findingsBlocks({ id, title, message, hint, columns, samples, findings }: CheckResult): Block[] {
  const more = (findings ?? 0) - samples.length;
  return [
    { type: 'heading', text: `${id}: ${title}` },
    { type: 'text', text: message },
    {
      type: 'table',
      columns: columns.map(({ name }) => ({ title: name })),
      rows: samples.map((sample) => columns.map(({ name }) => sample[name] ?? null)),
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
