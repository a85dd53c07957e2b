import { auditTrailGate } from './audit-trail.ts';
import { dbPool } from './db-pool.ts';
import { errorRate } from './error-rate.ts';
import { examModeGate } from './exam-mode.ts';
import type { Gate } from './gate.ts';
import { gracefulFailure } from './graceful-failure.ts';
import { noCorruptedSessions } from './no-corrupted-sessions.ts';
import { p95Latency } from './p95-latency.ts';
import { recovery } from './recovery.ts';
import { zeroDataLoss } from './zero-data-loss.ts';

/** The GO criteria, in the order of the planning document, then the two limits of its NO-GO list. */
export const gates: readonly Gate[] = [
  zeroDataLoss,
  noCorruptedSessions,
  p95Latency,
  recovery,
  auditTrailGate,
  examModeGate,
  gracefulFailure,
  errorRate,
  dbPool,
];
