import type { OutcomeRecord } from '../../lifecycle/outcome.ts';
import type { Reconciliation } from '../../load/reconcile/reconciliation.ts';
import { type Gate, summarize } from './gate.ts';
import { lossChecks } from './zero-data-loss.ts';

/** Judged by other gates: what is lost, and what is not on record. */
const elsewhere: readonly string[] = [...lossChecks, 'unlogged-writes'];

export const noCorruptedSessions: Gate = {
  id: 'no-corrupted-sessions',
  title: 'no session is contradictory, unscored or wrongly scored',
  needs: ['integrity'],
  judge: ({ integrity, reconciliations, loads }) => {
    const checks = (integrity?.outcomes ?? []).filter(({ id }) => !elsewhere.includes(id));
    const repeats = loads.flatMap(({ outcomes }) =>
      outcomes.filter(({ id }) => id === 'load-submit-same-score'),
    );
    const records = [...checks, ...repeats, ...reconciliations.map(contradictionsOf)];
    return summarize(records, `${records.length} checks, none speaks`);
  },
};

/** Of a reconciliation, what is there and should not be, or with another score than the student was told. */
function contradictionsOf({ counts, ...record }: Reconciliation): OutcomeRecord {
  if (record.outcome === 'unknown') return record;
  const { doubled, ghost, 'score-differs': differs, 'score-wrong': wrong } = counts;
  const message = `${doubled} writes doubled, ${ghost} never sent, ${differs} scores differ from what the student was told, ${wrong} from the answers`;
  return { ...record, outcome: doubled + ghost + differs + wrong === 0 ? 'pass' : 'fail', message };
}
