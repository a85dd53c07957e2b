import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';

/** Who did what, why, when, on what and with which result. */
export interface AuditContent {
  /** ISO 8601 */
  readonly at: string;
  readonly actor: string;
  /** of the system, which EXAMCTL_ACTOR does not change: "anna", "root by sudo from anna"; absent in old entries */
  readonly account?: string;
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
  /** its texts were taken out afterwards, so its hash does not follow from what is left */
  readonly redacted?: true;
}

/** Who redacts an entry, and why. */
export type Redaction = Pick<AuditContent, 'at' | 'actor' | 'host'> & { readonly reason: string };

/** An entry, as journals name it: a log that does not hold it is not the one that it was written to. */
export type AuditReference = Pick<AuditEntry, 'sequence' | 'hash'>;

/** What the first entry is chained to. */
export const firstPreviousHash = '0'.repeat(64);

/** What an entry is chained to that found the note of the last one gone: no entry has that hash. */
const lostHead = 'f'.repeat(64);

export function isAfterLostHead({ previousHash }: Pick<AuditEntry, 'previousHash'>): boolean {
  return previousHash === lostHead;
}

/**
 * What a new entry is chained to. Where the noted head is not the last entry (nor the one before it, as after a crash
 * between the two writes), the log was cut: chaining to the head leaves the break where verification finds it. So does
 * a head that is gone, which no crash explains but one after the very first entry.
 */
export function linkOf(last: AuditEntry | undefined, head: string | undefined): AuditReference | undefined {
  if (head === undefined) {
    return last === undefined || last.sequence === 1 ? last : { sequence: last.sequence, hash: lostHead };
  }
  if (head === last?.hash || head === last?.previousHash) return last;
  return { sequence: last?.sequence ?? 0, hash: head };
}

export function chain(content: AuditContent, previous: AuditReference | undefined): AuditEntry {
  const entry = {
    ...content,
    sequence: (previous?.sequence ?? 0) + 1,
    previousHash: previous?.hash ?? firstPreviousHash,
  };
  return { ...entry, hash: hashOf(entry) };
}

/** Of everything in the entry but the hash itself. */
export function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalJson(entry)).digest('hex');
}
