import type { Platform } from '../lifecycle/platform.ts';
import type { Check } from './check.ts';
import { type CheckSource, checksFrom } from './checks-from.ts';

/** The names of the files in sql/<platform>/checks. */
export const checkIds: Readonly<Record<Platform['id'], readonly string[]>> = {
  'exam-platform': [
    'announced-scores',
    'answer-not-in-session',
    'constraints-valid',
    'contradictory-submits',
    'correctness-flag',
    'inconsistent-scores',
    'inconsistent-status',
    'late-submits',
    'lost-answers',
    'lost-submits',
    'orphaned-answers',
    'orphaned-events',
    'overdue-sessions',
    'question-count',
    'repeated-mastery-runs',
    'summary',
    'unfrozen-questions',
    'unlogged-writes',
    'unscored-sessions',
    'wrong-correctness',
  ],
};

/**
 * The checks of a platform, and the user's own. One that went missing in packaging is an error:
 * otherwise less would be looked at, and all of it would pass.
 */
export function platformChecks(
  platform: Platform['id'],
  packaged: readonly CheckSource[],
  own: readonly CheckSource[] = [],
): Check[] {
  const found = packaged.map(({ header }) => header.get('id')?.value);
  const missing = checkIds[platform].filter((id) => !found.includes(id));
  if (missing.length > 0)
    throw new Error(`sql/${platform}/checks lacks ${missing.join(', ')}; install examctl again`);
  return checksFrom([...packaged, ...own]);
}
