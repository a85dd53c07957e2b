import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';
import type { OutcomeRecord } from './outcome.ts';

/** Who did what, why, when, on what and with which result. */
export interface AuditContent {
  /** ISO 8601 */
  readonly at: string;
  readonly actor: string;
  readonly host: string;
  readonly environment: string;
  /** "fault inject redis-outage" */
  readonly action: string;
  readonly run: string | null;
  readonly reason: string | null;
  readonly breakGlass: boolean;
  /** "started", "done", "refused: ...", "failed-reverted: ..." */
  readonly result: string;
  readonly details: { readonly [key: string]: Json };
}

export interface AuditEntry extends AuditContent {
  readonly sequence: number;
  readonly previousHash: string;
  /** SHA-256 over the canonical JSON of everything else in the entry */
  readonly hash: string;
}

/** An entry, as journals name it: a log that does not hold it is not the one that it was written to. */
export type AuditReference = Pick<AuditEntry, 'sequence' | 'hash'>;

const firstPreviousHash = '0'.repeat(64);

export function chain(content: AuditContent, previous: AuditReference | undefined): AuditEntry {
  const entry = {
    ...content,
    sequence: (previous?.sequence ?? 0) + 1,
    previousHash: previous?.hash ?? firstPreviousHash,
  };
  return { ...entry, hash: hashOf(entry) };
}

function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalJson(entry)).digest('hex');
}

/**
 * Whether the log is as it was written. `head` is the hash of the last entry as it was noted beside the log,
 * which shows a log that was cut at its end. `broken`: numbers of lines that are no entries.
 */
export function verifyChain(
  entries: readonly AuditEntry[],
  head: string | undefined,
  broken: readonly number[] = [],
): OutcomeRecord {
  const base = { id: 'audit-chain', title: 'the audit log is complete and unchanged' };
  let previous: AuditEntry | undefined;
  for (const entry of entries) {
    const { hash, ...rest } = entry;
    const expected = {
      sequence: (previous?.sequence ?? 0) + 1,
      previousHash: previous?.hash ?? firstPreviousHash,
    };
    if (entry.sequence !== expected.sequence) {
      return {
        ...base,
        outcome: 'fail',
        message: `entry ${expected.sequence} is missing before entry ${entry.sequence}`,
      };
    }
    if (entry.previousHash !== expected.previousHash || hash !== hashOf(rest)) {
      return { ...base, outcome: 'fail', message: `entry ${entry.sequence} of ${entry.at} was changed` };
    }
    previous = entry;
  }
  if (head === undefined && entries.length > 1) {
    return {
      ...base,
      outcome: 'fail',
      message: 'the note of its last entry is gone: whether it was cut cannot be told',
    };
  }
  if (head !== undefined && !entries.slice(-2).some(({ hash }) => hash === head)) {
    return { ...base, outcome: 'fail', message: 'the log was cut: the last entry that was noted is gone' };
  }
  if (entries.length === 0 && broken.length === 0) {
    return {
      ...base,
      outcome: 'skipped',
      message: 'there is no entry: nothing was recorded, or all of it is gone',
    };
  }
  if (broken.length > 0) {
    const message = `${entries.length} entries, each with the hash of the one before; not entries: line ${broken.join(', ')}, as a crash leaves them`;
    return { ...base, outcome: 'warn', message };
  }
  return {
    ...base,
    outcome: 'pass',
    message: `${entries.length} entries, each with the hash of the one before`,
  };
}
