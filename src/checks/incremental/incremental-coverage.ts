import type { Postgres } from '../../lifecycle/environment.ts';
import type { Sweep, SweptFindings } from '../../lifecycle/watermark.ts';
import type { Check } from '../check.ts';
import type { CheckResult, CheckRun } from '../check-run.ts';
import { nothingSeen } from '../judge.ts';
import { abortable } from '../server/abortable.ts';
import { apply, recover } from '../server/snapshot.ts';
import { fewSessions, idsStatement, type Scope } from '../statements/scope.ts';
import {
  type CheckRow,
  keysStatement,
  type Statement,
  type StatementContext,
  statementOf,
} from '../statements/statement.ts';
import { reasonOf } from '../statements/statement-error.ts';

/** More are compared by their number. */
const mostKeys = 5_000;

export interface SweepComparison {
  /** what this sweep found, for the next one */
  readonly findings: Readonly<Record<string, SweptFindings>>;
  /** findings by check that are new since the sweep before, and that no run of changes could see */
  readonly unseen: readonly { readonly check: string; readonly count: number }[];
}

interface SweepQuestion {
  /** those that look at less in a run of changes, and are not left out of it */
  readonly checks: readonly Check[];
  readonly run: CheckRun;
  readonly context: StatementContext;
  /** null: there was no sweep to go on from */
  readonly before: Sweep | null;
  /** what the runs of changes since that sweep looked at, all in all */
  readonly changed: Scope | undefined;
  readonly signal: AbortSignal;
}

/** Asks each check that found something once more, of what changed only, on the snapshot of the sweep. */
export async function compareSweep(
  postgres: Postgres,
  { checks, run, context, before, changed, signal }: SweepQuestion,
): Promise<SweepComparison> {
  const ask = async <Row>({ text, values, settings }: Statement): Promise<Row[]> => {
    await apply(postgres, settings);
    const { rows } = await abortable(postgres.query<Row>(text, values), signal);
    await recover(postgres);
    return rows;
  };
  const findings: Record<string, SweptFindings> = {};
  const unseen: { check: string; count: number }[] = [];
  let changes: StatementContext | undefined;
  try {
    for (const check of checks) {
      const count = run.outcomes.find(({ id }) => id === check.id)?.findings ?? 0;
      if (count === 0 || check.severity === 'info') continue;
      const keys = await keysOf(ask, check, context);
      findings[check.id] = { count, keys };
      if (changed === undefined) continue;
      changes ??= { ...context, scope: await narrowed(ask, changed) };
      const known = before?.findings[check.id] ?? { count: 0, keys: [] };
      const missed = await countUnseen(ask, check, { now: { count, keys }, known, changes });
      if (missed > 0) unseen.push({ check: check.id, count: missed });
    }
  } catch (error) {
    if (!signal.aborted) await recover(postgres);
    throw error;
  }
  return { findings, unseen };
}

type Ask = <Row>(statement: Statement) => Promise<Row[]>;

async function narrowed(ask: Ask, scope: Scope): Promise<Scope> {
  const rows = await ask<{ id: string }>(idsStatement(scope));
  return rows.length > fewSessions ? scope : { ...scope, ids: rows.map(({ id }) => id) };
}

async function keysOf(ask: Ask, check: Check, context: StatementContext): Promise<readonly string[] | null> {
  const all = keysStatement(check, context, null);
  const limited = { ...all, text: `SELECT key FROM (${all.text}) k LIMIT ${mostKeys + 1}` };
  const keys = (await ask<{ key: string }>(limited)).map(({ key }) => key);
  return keys.length > mostKeys ? null : keys;
}

async function countUnseen(
  ask: Ask,
  check: Check,
  { now, known, changes }: { now: SweptFindings; known: SweptFindings; changes: StatementContext },
): Promise<number> {
  const accepted = changes.accepted.get(check.id) ?? [];
  const seen = now.keys === null || known.keys === null ? null : await keysOf(ask, check, changes);
  if (now.keys === null || known.keys === null || seen === null) {
    const [row] = await ask<CheckRow>(statementOf([check], { ...changes, samples: 0 }));
    return Math.max(0, now.count - known.count - (row?.total ?? 0));
  }
  const explained = new Set([...known.keys, ...seen, ...accepted]);
  return now.keys.filter((key) => !explained.has(key)).length;
}

/** `comparison`: or why there is none */
export function coverageResult(
  comparison: SweepComparison | { problem: unknown },
  before: Sweep | null,
): CheckResult {
  const result = (outcome: CheckResult['outcome'], message: string, hint?: string): CheckResult => ({
    id: 'incremental-coverage',
    title: 'the incremental runs can see what a full run sees',
    outcome,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...nothingSeen,
    severity: 'minor',
    columns: [
      { name: 'check_id', meaning: 'the check', personal: false },
      { name: 'unseen', meaning: 'its findings that lie outside of what changed', personal: false },
    ],
  });
  if ('problem' in comparison)
    return result('unknown', `could not be compared: ${reasonOf(comparison.problem)}`);
  if (before === null) return result('skipped', 'there is no full run before this one to go on from');
  const { unseen } = comparison;
  const count = unseen.reduce((sum, one) => sum + one.count, 0);
  const between = `since the full run at ${before.snapshotAt}`;
  if (count === 0)
    return { ...result('pass', `no finding ${between} lies outside of what changed`), findings: 0 };
  return {
    ...result(
      'warn',
      `${count} ${count === 1 ? 'finding' : 'findings'} ${between} that the incremental runs could not see: ${unseen.map((one) => `${one.check} ${one.count}`).join(', ')}`,
      'these rows were changed without an event and without updated_at: by hand, by a restore or by a defect; until that is found, look at everything more often (--full-every)',
    ),
    findings: count,
    samples: unseen.map((one) => ({ check_id: one.check, unseen: one.count })),
  };
}
