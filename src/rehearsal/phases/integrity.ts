import { runChecks } from '../../checks/running/run-checks.ts';
import { scopeOf } from '../../checks/statements/windows.ts';
import { reconcile } from '../../load/reconcile/reconcile.ts';
import type { Phase } from '../ports.ts';

export const integrityPhase: Phase = {
  id: 'integrity',
  title: 'Integrity: the data, and the ledger of acknowledged writes',
  seconds: () => 4,
  parts: () => [],
  rehearse: async ({ environment, catalogue, students, evidence, run, progress, startedAt }) => {
    for (const { ledgerFile, scenario } of evidence.loads) {
      progress.update(`reconciling the ledger of ${scenario}`);
      evidence.reconciliations.push(await reconcile([ledgerFile], environment));
    }
    // Not on a replica, which may not have the last answers yet, and without pauses: there are no students to wait for.
    evidence.integrity = await runChecks({
      environment,
      catalogue,
      students,
      scope: scopeOf({ since: startedAt }, catalogue.windows),
      signal: run.signal,
      onProgress: ({ done, of }) => progress.update(`${done} of ${of} checks answered`),
    });
    const records = [...evidence.reconciliations, ...evidence.integrity.outcomes];
    const bad = records.filter(({ outcome }) => outcome === 'fail' || outcome === 'unknown');
    return bad.length === 0
      ? `${records.length} checks, none speaks`
      : bad.map(({ title, message }) => `${title}: ${message}`).join('; ');
  },
};
