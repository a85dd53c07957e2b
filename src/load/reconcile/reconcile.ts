import type { Environment } from '../../lifecycle/environment.ts';
import { ExamctlError, messageOf } from '../../lifecycle/errors.ts';
import { type Finding, judgeSession } from './judge-session.ts';
import { laterWrites } from './later-writes.ts';
import { extentOf, type LedgerExtent, ledgerPieces } from './ledger-pieces.ts';
import { ReconcileTally, type Reconciliation } from './reconciliation.ts';
import { type SessionHistory, sessionHistories } from './session-history.ts';
import { storedSessions } from './stored-sessions.ts';

export interface ReconcileOptions {
  readonly signal?: AbortSignal;
  /** bytes of the ledgers that are compared, of how many */
  onProgress?(done: number, of: number): void;
}

type Surroundings = Pick<Environment, 'withPostgres' | 'platform'>;

const sessionsAtOnce = 500;

/**
 * Compares each write that the platform acknowledged with what the database has, and what the database has with what was
 * sent. Takes memory for a part of the ledger only, and may be used while the load is still running.
 */
export async function reconcile(
  ledgerFiles: readonly string[],
  environment: Surroundings,
  options: ReconcileOptions = {},
): Promise<Reconciliation> {
  const tally = new ReconcileTally(ledgerFiles);
  try {
    const extents = await Promise.all(ledgerFiles.map(extentOf));
    await compareAll(extents, environment, tally, options);
  } catch (error) {
    // What the database refuses or does not answer is an unknown; a bug of ours must not look like one.
    if (!(error instanceof ExamctlError)) throw error;
    options.signal?.throwIfAborted();
    return tally.unlooked(messageOf(error), error.hint);
  } finally {
    tally.close();
  }
  return tally.result();
}

async function compareAll(
  extents: readonly LedgerExtent[],
  environment: Surroundings,
  tally: ReconcileTally,
  { signal, onProgress }: ReconcileOptions,
): Promise<void> {
  const total = extents.reduce((sum, { end }) => sum + end, 0);
  let done = 0;
  for await (const { lines, damaged, bytes } of ledgerPieces(extents)) {
    tally.cannotRead(damaged);
    const findings: Finding[] = [];
    const histories = sessionHistories(lines);
    for (let at = 0; at < histories.length; at += sessionsAtOnce) {
      signal?.throwIfAborted();
      findings.push(...(await compareSome(histories.slice(at, at + sessionsAtOnce), environment, tally)));
      onProgress?.(done + (bytes * at) / histories.length, total);
    }
    // a load that still runs has gone on, and may explain what looks wrong by now
    const later = findings.length === 0 ? null : await laterWrites(extents);
    tally.add(findings.filter((finding) => !later?.explains(finding)));
    done += bytes;
    onProgress?.(done, total);
  }
}

async function compareSome(
  histories: readonly SessionHistory[],
  { withPostgres, platform }: Surroundings,
  tally: ReconcileTally,
): Promise<Finding[]> {
  const ids = histories.map(({ sessionId }) => sessionId);
  const stored = await withPostgres((postgres) => storedSessions(postgres, platform.ledger, ids), {
    statementTimeout: 30_000,
  });
  return histories.flatMap((history) => {
    const session = stored.get(history.sessionId);
    if (session === undefined) throw new Error(`session ${history.sessionId} was not asked for`);
    const judged = judgeSession(history, session);
    tally.compared(judged);
    return judged.findings;
  });
}
