import type { AuditEntry, AuditReference } from './audit.ts';
import type { OutcomeRecord } from './outcome.ts';

/** The head of an audit log at some time, noted where whoever owns the file of the log cannot change it. */
export interface Anchor extends AuditReference {
  /** ISO 8601 */
  readonly at: string;
}

/** Those of the log of one state folder, in the database of an environment. */
export interface AuditAnchors {
  note(head: AuditReference): Promise<void>;
  read(): Promise<Anchor[]>;
}

export const anchorsProbe = {
  id: 'audit-anchors',
  title: 'the audit log holds what the database of the environment has noted of it',
};

/** Each entry says what all before it are, so one anchor now and then is enough. */
export function verifyAnchors(entries: readonly AuditEntry[], anchors: readonly Anchor[]): OutcomeRecord {
  const last = anchors.at(-1);
  if (last === undefined) {
    return { ...anchorsProbe, outcome: 'skipped', message: 'it has noted nothing of this log' };
  }
  const hashes = new Set(entries.map(({ hash }) => hash));
  const lost = anchors.filter(({ hash }) => !hashes.has(hash));
  if (lost.length > 0) {
    const [first] = lost;
    return {
      ...anchorsProbe,
      outcome: 'fail',
      message: `${lost.length} of ${anchors.length} are missing or were changed, first entry ${first?.sequence}, noted ${first?.at}`,
      hint: 'the log was cut or written anew; a copy of it may tell what was taken out',
    };
  }
  const since = entries.filter(({ sequence }) => sequence > last.sequence).length;
  const after = since === 0 ? '' : `; ${since} entries since have only the note beside the log`;
  return {
    ...anchorsProbe,
    outcome: 'pass',
    message: `up to entry ${last.sequence}, noted ${last.at}${after}`,
  };
}
