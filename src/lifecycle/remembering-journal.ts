import type { Clock } from './clock.ts';
import type { Journal, JournalLine } from './journal.ts';

/** A journal that also knows by itself what was written, for when its file cannot be read any more. */
export interface RememberingJournal extends Journal {
  readonly written: readonly JournalLine[];
}

export function remembering(journal: Journal, clock: Clock): RememberingJournal {
  const written: JournalLine[] = [];
  return {
    written,
    read: () => journal.read(),
    damage: () => journal.damage(),
    async append(entry) {
      await journal.append(entry);
      written.push({ at: clock.now().toISOString(), ...entry });
    },
  };
}
