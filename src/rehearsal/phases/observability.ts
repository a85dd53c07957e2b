import { captureMetrics } from '../../collectors/capture.ts';
import { auditTrail } from '../../probes/audit-trail.ts';
import type { Phase } from '../ports.ts';

export const observabilityPhase: Phase = {
  id: 'observability',
  title: 'Observability: metrics, and whether the logs tell who did what',
  seconds: () => 4,
  parts: () => [],
  rehearse: async ({ environment, evidence, run, startedAt }) => {
    evidence.capture = await captureMetrics({
      environment,
      folder: `${run.folder}/evidence/metrics`,
      since: startedAt,
      signal: run.signal,
    });
    evidence.auditTrail = await auditTrail(environment, { signal: run.signal, since: startedAt });
    return evidence.auditTrail.map(({ outcome, title }) => `${title}: ${outcome}`).join('; ');
  },
};
