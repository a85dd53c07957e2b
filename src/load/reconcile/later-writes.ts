import { parseLedgerLine } from '../ledger.ts';
import type { Finding } from './judge-session.ts';
import { extentOf, type LedgerExtent, scanLines } from './ledger-pieces.ts';

/**
 * Of a load that is still running: what it announced after the part of the ledger that was compared. A write is announced
 * before it is sent, so whatever was stored by the time the database was read is in here.
 */
export async function laterWrites(compared: readonly LedgerExtent[]): Promise<LaterWrites> {
  const values = new Map<string, Set<number | null>>();
  for (const { file, end: from } of compared) {
    const { end } = await extentOf(file);
    await scanLines({ file, from, end }, (bytes, start, stop) => {
      const line = parseLedgerLine(bytes.toString('utf8', start, stop));
      if (line?.kind !== 'attempt') return;
      const key = keyOf(line.sessionId, line.questionId);
      const known = values.get(key) ?? new Set();
      values.set(key, known.add(line.sent));
    });
  }
  return {
    explains: ({ what, sessionId, questionId, stored }) => {
      const later = values.get(keyOf(sessionId, questionId));
      if (later === undefined) return false;
      if (questionId === undefined) return what === 'ghost';
      return stored === undefined ? what === 'ghost' : later.has(stored);
    },
  };
}

export interface LaterWrites {
  explains(finding: Finding): boolean;
}

function keyOf(sessionId: string, questionId: string | undefined): string {
  return `${sessionId} ${questionId ?? ''}`;
}
