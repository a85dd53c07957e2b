import { createHash } from 'node:crypto';
import type { AuditEntry } from './audit.ts';
import { canonicalJson, type Json } from './json.ts';

/** The action of the entry that says which other one was redacted, by whom and why. */
export const redactAction = 'audit redact';

const mark = '[redacted]';

/**
 * The entry without the texts that people and systems put into it. It keeps its hash, so that the entry after it still
 * follows from it and whoever has noted that hash elsewhere still finds it; that the rest is as it was is vouched for by
 * the entry that the redaction itself makes.
 */
export function redactedEntry(entry: AuditEntry): AuditEntry {
  const { recovers } = entry.details;
  const kept = recovers === undefined ? {} : { recovers };
  return {
    ...entry,
    reason: entry.reason === null ? null : mark,
    result: entry.result === 'started' || entry.result === 'done' ? entry.result : mark,
    // what it vouches for must stay readable
    details: entry.action === redactAction ? entry.details : kept,
    redacted: true,
  };
}

/** What the log says of a redaction: which entry, and what it has become. */
export function redactionDetails(entry: AuditEntry): { readonly [key: string]: Json } {
  return { entry: entry.sequence, hash: entry.hash, becomes: digestOf(redactedEntry(entry)) };
}

/** A later entry says that exactly this was left of it. */
export function isVouchedFor(entry: AuditEntry, entries: readonly AuditEntry[]): boolean {
  return entries.some(
    ({ sequence, action, details }) =>
      action === redactAction &&
      sequence > entry.sequence &&
      details.entry === entry.sequence &&
      details.hash === entry.hash &&
      details.becomes === digestOf(entry),
  );
}

function digestOf(entry: AuditEntry): string {
  return createHash('sha256').update(canonicalJson(entry)).digest('hex');
}
