import { type AuditEntry, firstPreviousHash, hashOf, isAfterLostHead } from './audit.ts';
import { isVouchedFor } from './audit-redaction.ts';
import type { OutcomeRecord } from './outcome.ts';

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
    if (isAfterLostHead(entry)) {
      const message = `when entry ${entry.sequence} was written, the note of the last entry was gone: entries before it may have been removed`;
      return { ...base, outcome: 'fail', message };
    }
    if (
      entry.previousHash !== expected.previousHash ||
      (hash !== hashOf(rest) && !isVouchedFor(entry, entries))
    ) {
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
  const whole = `${entries.length} entries, each with the hash of the one before`;
  const redacted = entries.filter((entry) => entry.redacted).map(({ sequence }) => sequence);
  const notes = [
    ...(broken.length === 0 ? [] : [`not entries: line ${broken.join(', ')}, as a crash leaves them`]),
    ...(redacted.length === 0 ? [] : [`redacted, as later entries say: ${redacted.join(', ')}`]),
  ];
  return { ...base, outcome: notes.length === 0 ? 'pass' : 'warn', message: [whole, ...notes].join('; ') };
}
