import { type Acceptance, type Baseline, hasRunOut } from '../checks/baseline/baseline.ts';
import type { CheckResult } from '../checks/check-run.ts';
import type { Block, Report } from '../report/report.ts';

interface Accepted {
  readonly file: string;
  readonly environment: string;
  readonly until: Date;
  readonly owner: string;
  readonly counts: readonly {
    readonly check: string;
    readonly new: number;
    /** accepted already, and now until the new day, with its owner and its reason */
    readonly renewed: number;
  }[];
}

export function acceptReport(accepted: Accepted): Report {
  const { file, until, owner, counts } = accepted;
  const sum = (of: 'new' | 'renewed') => counts.reduce((total, one) => total + one[of], 0);
  const total = sum('new') + sum('renewed');
  const text =
    total === 0
      ? `There are no findings to accept; ${file} stays as it is.`
      : `${total} ${total === 1 ? 'finding is' : 'findings are'} accepted until ${until.toISOString()} (renewed ${sum('renewed')}, new ${sum('new')}); ${owner} answers for ${total === 1 ? 'it' : 'them'}. In ${file}.`;
  return {
    kind: 'integrity.baseline.accept',
    data: accepted,
    rows: counts,
    blocks: [
      {
        type: 'table',
        columns: [{ title: 'check' }, { title: 'renewed', align: 'right' }, { title: 'new', align: 'right' }],
        rows: counts.map((one) => [one.check, one.renewed, one.new]),
      },
      { type: 'text', text },
    ],
  };
}

export function baselineListReport(file: string, baseline: Baseline, now: Date): Report {
  const acceptances = baseline.map((one) => ({ ...shown(one), expired: hasRunOut(one, now) }));
  const table: Block = {
    type: 'table',
    columns: [
      { title: 'environment' },
      { title: 'check' },
      { title: 'findings', align: 'right' },
      { title: 'until' },
      { title: 'owner' },
      { title: 'reason' },
    ],
    rows: acceptances.map(({ environment, check, findings, until, expired, owner, reason }) => [
      environment,
      check,
      findings,
      expired ? `${until} (run out)` : until,
      owner,
      reason,
    ]),
  };
  const empty: Block = { type: 'text', text: `Nothing is accepted; it would be in ${file}.` };
  return {
    kind: 'integrity.baseline.list',
    data: { file, acceptances },
    rows: acceptances,
    onlyShows: true,
    blocks: acceptances.length === 0 ? [empty] : [table, { type: 'text', text: file }],
  };
}

interface Changed {
  readonly file: string;
  readonly environment: string;
  /** with the keys that were taken out */
  readonly removed: readonly Acceptance[];
  /** checks that could not be made, whose acceptances stay */
  readonly notMade?: readonly CheckResult[];
}

export function changedReport(
  action: 'remove' | 'prune',
  { file, environment, removed, notMade = [] }: Changed,
): Report {
  const entries = removed.map(shown);
  const nothing = action === 'prune' ? 'No accepted finding is gone' : 'Nothing was accepted';
  return {
    kind: `integrity.baseline.${action}`,
    data: { file, environment, removed: entries, notMade },
    rows: entries,
    blocks: [
      ...(notMade.length === 0 ? [] : [{ type: 'outcomes' as const, outcomes: notMade }]),
      removed.length === 0
        ? { type: 'text', text: `${nothing}; ${file} stays as it is.` }
        : {
            type: 'table',
            columns: [
              { title: 'check' },
              { title: 'findings taken out', align: 'right' },
              { title: 'until' },
              { title: 'owner' },
            ],
            rows: entries.map(({ check, findings, until, owner }) => [check, findings, until, owner]),
          },
    ],
  };
}

/** Hashes tell a reader nothing; they are in the file. */
function shown({ keys, ...acceptance }: Acceptance) {
  return { ...acceptance, findings: keys.length };
}
