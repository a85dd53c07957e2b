/** Something that the sandbox can be made to do wrong, to prove that a gate of the verdict would notice. */
export interface SandboxDefect {
  readonly id: DefectId;
  /** what goes wrong, as a short sentence */
  readonly title: string;
  /** id of the gate that it turns */
  readonly gate: string;
  /** what has to be done for it to show */
  readonly revealedBy: string;
}

export type DefectId =
  | 'lost-answers'
  | 'wrong-option'
  | 'lost-update'
  | 'early-acknowledgement'
  | 'double-submit'
  | 'unscored-sessions'
  | 'slow-queries'
  | 'slow-restart'
  | 'missing-audit-trail'
  | 'exam-mode-gap'
  | 'unstoppable-job'
  | 'rate-limit-fails-closed'
  | 'server-errors'
  | 'connection-leak';

export const sandboxDefects: readonly SandboxDefect[] = [
  {
    id: 'lost-answers',
    title: 'one answer in 50 is acknowledged and logged, but not stored',
    gate: 'zero-data-loss',
    revealedBy: 'a load run with answers, reconciled with the database',
  },
  {
    id: 'wrong-option',
    title: 'one answer in 50 is acknowledged as chosen, and stored with the next option',
    gate: 'zero-data-loss',
    revealedBy: 'a load run with answers, reconciled with the database',
  },
  {
    id: 'lost-update',
    title:
      'one changed answer in 10 is acknowledged, and then overwritten by the one before it, as by a race',
    gate: 'zero-data-loss',
    revealedBy: 'a load run in which answers are changed, reconciled with the database',
  },
  {
    id: 'early-acknowledgement',
    title:
      'answers are acknowledged half a second before they are stored; a worker that is killed forgets them',
    gate: 'zero-data-loss',
    revealedBy: 'a load run with answers in which a worker is killed, reconciled with the database',
  },
  {
    id: 'double-submit',
    title: 'every second submit is counted twice, with two different scores',
    gate: 'no-corrupted-sessions',
    revealedBy: 'submits, then the integrity check of duplicate submits',
  },
  {
    id: 'unscored-sessions',
    title: 'one submitted session in 20 has no score',
    gate: 'no-corrupted-sessions',
    revealedBy: 'submits, then the integrity check of unscored sessions',
  },
  {
    id: 'slow-queries',
    title: 'the query that stores an answer takes 700 ms longer',
    gate: 'p95-latency',
    revealedBy: 'a load run with answers',
  },
  {
    id: 'slow-restart',
    title: 'a backend worker that starts takes 25 s to become ready',
    gate: 'recovery',
    revealedBy: 'a restart of the backend or of one of its workers',
  },
  {
    id: 'missing-audit-trail',
    title: 'answers and submits leave no events, and request logs have no request id',
    gate: 'audit-trail',
    revealedBy: 'a load run with answers, then a look at its events and log lines',
  },
  {
    id: 'exam-mode-gap',
    title: 'rank runs can be started in exam mode',
    gate: 'exam-mode',
    revealedBy: 'the verification of exam mode',
  },
  {
    id: 'unstoppable-job',
    title: 'a background job runs on in exam mode',
    gate: 'exam-mode',
    revealedBy: 'exam mode, then a look at the background jobs',
  },
  {
    id: 'rate-limit-fails-closed',
    title: 'without Redis, creating, answering and submitting are refused',
    gate: 'graceful-failure',
    revealedBy: 'load while the cache is stopped',
  },
  {
    id: 'server-errors',
    title: '3 % of the answer requests fail with 500',
    gate: 'error-rate',
    revealedBy: 'a load run with answers',
  },
  {
    id: 'connection-leak',
    title: 'each backend worker loses a database connection a second, up to 17 of 20',
    gate: 'db-pool',
    revealedBy: 'about 20 s of waiting, then a look at the connections',
  },
];
