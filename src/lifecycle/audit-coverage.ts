import type { AuditEntry } from './audit.ts';
import { type JournalLine, runFinish } from './journal.ts';
import type { OutcomeRecord } from './outcome.ts';

/** What is left of a run, beside its audit entries. */
export interface RecordedRun {
  readonly id: string;
  readonly lines: readonly JournalLine[];
  /** why its journal does not tell all that it did */
  readonly damage: string | null;
  /** its own process is at work: its end cannot be on record yet */
  readonly alive: boolean;
}

const base = { id: 'audit-runs', title: 'every run of this state folder is in the audit log' };

/** Milliseconds from the end of a run until the audit log has it: its lock may be released in between. */
const recordedWithin = 30_000;

/**
 * Holds the folders of the runs against the audit log: a log that is gone, cut or made anew lacks what the journals of the
 * runs name. Runs whose folders are gone as well cannot be missed.
 */
export function verifyRuns(
  entries: readonly AuditEntry[],
  runs: readonly RecordedRun[],
  now: Date,
): OutcomeRecord {
  const hashes = new Set(entries.map(({ hash }) => hash));
  const gaps = runs.flatMap((run) => gapOf(run, entries, hashes) ?? []);
  const lost = gaps.filter(({ endedAt }) => endedAt === null || now.getTime() - endedAt > recordedWithin);
  if (lost.length > 0) {
    return {
      ...base,
      outcome: 'fail',
      message: lost.map(({ message }) => message).join('; '),
      hint: 'the journals of these runs tell what happened: examctl runs show <run>',
    };
  }
  const unread = runs.flatMap(({ id, damage, alive }) =>
    damage === null || alive ? [] : [`the journal of run ${id} does not tell all: ${damage}`],
  );
  const unclear = [...gaps.map(({ message }) => `${message} yet, ask again in a minute`), ...unread];
  if (unclear.length > 0) return { ...base, outcome: 'unknown', message: unclear.join('; ') };
  if (runs.length === 0) {
    return { ...base, outcome: 'skipped', message: 'there is no run in this state folder' };
  }
  return { ...base, outcome: 'pass', message: `${runs.length} runs, each with its entries` };
}

interface Gap {
  readonly message: string;
  /** when the run ended whose end is missing; null: something else is missing */
  readonly endedAt: number | null;
}

function gapOf(
  { id, lines, alive }: RecordedRun,
  entries: readonly AuditEntry[],
  hashes: ReadonlySet<string>,
): Gap | null {
  const operation = lines.find((line) => line.type === 'run.started')?.operation;
  const named = lines.flatMap((line) => {
    if (line.type === 'audit.entry') return [line];
    return line.type === 'run.started' && line.audit !== undefined ? [line.audit] : [];
  });
  const lost = named.filter(({ hash }) => !hashes.has(hash)).map(({ sequence }) => sequence);
  if (lost.length > 0) {
    const message = `entry ${lost.join(', ')}, which the journal of run ${id} names, is missing or was changed`;
    return { message, endedAt: null };
  }
  const about = entries.filter(({ run, details }) => run === id || details.recovers === id);
  if (about.length === 0) return { message: `nothing of run ${id} is on record`, endedAt: null };
  const finish = runFinish(lines);
  // that somebody halted it, or released its lock, is no end
  const isEnd = ({ action, result, details }: AuditEntry) =>
    result !== 'started' && (action === operation || details.recovers === id);
  if (finish === undefined || alive || about.some(isEnd)) return null;
  return { message: `the end of run ${id} is not on record`, endedAt: Date.parse(finish.at) };
}
