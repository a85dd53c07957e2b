import { readLedger } from './ledger.ts';

/** What the outcomes of a load run need from its ledger. */
export interface LedgerSummary {
  /** answers and submits */
  readonly writes: number;
  readonly studentsFinished: number;
  /** why students did not finish -> how many */
  readonly reasons: Readonly<Record<string, number>>;
  /** sessions with two or more acknowledged submits */
  readonly submittedTwice: number;
  /** those of them in which the scores differ */
  readonly scoresDiffer: readonly string[];
}

export async function summarizeLedger(file: string): Promise<LedgerSummary> {
  let writes = 0;
  let studentsFinished = 0;
  const reasons: Record<string, number> = {};
  const scores = new Map<string, (number | null)[]>();
  for await (const line of readLedger(file)) {
    if (line.kind === 'answer' || line.kind === 'submit') writes += 1;
    if (line.kind === 'submit' && line.outcome === 'acknowledged') {
      scores.set(line.sessionId, [...(scores.get(line.sessionId) ?? []), line.acknowledged]);
    }
    if (line.kind !== 'student') continue;
    if (line.completed) studentsFinished += 1;
    else reasons[line.reason ?? 'no reason given'] = (reasons[line.reason ?? 'no reason given'] ?? 0) + 1;
  }
  const repeated = [...scores].filter(([, given]) => given.length > 1);
  return {
    writes,
    studentsFinished,
    reasons,
    submittedTwice: repeated.length,
    scoresDiffer: repeated.filter(([, given]) => new Set(given).size > 1).map(([sessionId]) => sessionId),
  };
}
