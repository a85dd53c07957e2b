import type { OutcomeRecord } from '../../lifecycle/outcome.ts';
import type { Reconciliation } from '../../load/reconcile/reconciliation.ts';
import { type Gate, summarize } from './gate.ts';

/** Checks whose findings mean that something acknowledged is gone. */
export const lossChecks: readonly string[] = [
  'lost-answers',
  'lost-submits',
  'orphaned-answers',
  'orphaned-events',
];

export const zeroDataLoss: Gate = {
  id: 'zero-data-loss',
  title: 'every acknowledged answer and submit is stored',
  needs: ['reconciliations', 'integrity'],
  judge: ({ reconciliations, integrity, loads }) => {
    const ledgers = loads.flatMap(({ outcomes }) =>
      outcomes.filter(({ id }) => id === 'load-ledger-complete'),
    );
    const checks = (integrity?.outcomes ?? []).filter(({ id }) => lossChecks.includes(id));
    const acknowledged = reconciliations.reduce((sum, { answers, submits }) => sum + answers + submits, 0);
    return summarize(
      [...reconciliations.map(lossesOf), ...ledgers, ...checks],
      `${acknowledged} acknowledged writes, all stored as acknowledged`,
    );
  },
};

/** Of a reconciliation, what is lost; what is doubled or wrongly scored is judged by no-corrupted-sessions. */
function lossesOf({ counts, ...record }: Reconciliation): OutcomeRecord {
  if (record.outcome === 'unknown') return record;
  const { lost, changed, 'not-submitted': notSubmitted } = counts;
  const losses = lost + changed + notSubmitted;
  const message = `${lost} lost, ${changed} changed, ${notSubmitted} submits lost`;
  return { ...record, outcome: losses === 0 ? 'pass' : 'fail', message };
}
