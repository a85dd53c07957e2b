import type { Platform } from '../lifecycle/platform.ts';
import type { Check, SqlView } from './check.ts';
import { type CheckSource, checksFrom, mostSevereFirst, viewsFrom } from './checks-from.ts';
import type { CheckThresholds } from './thresholds.ts';

/** The names of the files in sql/<platform>/checks. */
export const checkIds: Readonly<Record<Platform['id'], readonly string[]>> = {
  'exam-platform': [
    'announced-scores',
    'answer-not-in-session',
    'answers-after-end',
    'answers-to-missing-questions',
    'constraints-valid',
    'contradictory-submits',
    'correctness-flag',
    'count-answers',
    'count-cleared-answers',
    'count-events',
    'count-questions',
    'count-sessions',
    'count-submits',
    'event-gaps',
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
    'unfrozen-questions',
    'unlogged-writes',
    'unscored-sessions',
    'wrong-correctness',
  ],
};

/** All that a run of checks reads from files. */
export interface CheckCatalogue {
  /** the checks of the platform and the user's own */
  readonly checks: readonly Check[];
  /** the eight of the planning document, as scripted, to compare */
  readonly classic: readonly Check[];
  readonly views: readonly SqlView[];
  /** statements that give the ids of sessions, by their name */
  readonly windows: ReadonlyMap<string, string>;
  /** limits of examctl.yaml, by the id of their check */
  readonly thresholds?: Readonly<Record<string, CheckThresholds>>;
}

/** The folders of sql/<platform>. */
export interface PackagedSql {
  readonly checks: readonly CheckSource[];
  readonly classic: readonly CheckSource[];
  readonly views: readonly CheckSource[];
  readonly windows: readonly CheckSource[];
}

/** One file that went missing in packaging is an error: otherwise less would be looked at, and all of it would pass. */
export function checkCatalogue(
  platform: Platform['id'],
  packaged: PackagedSql,
  own: readonly Check[] = [],
): CheckCatalogue {
  const found = packaged.checks.map(({ header }) => header.get('id')?.value);
  const missing = checkIds[platform].filter((id) => !found.includes(id));
  if (missing.length > 0)
    throw new Error(`sql/${platform}/checks lacks ${missing.join(', ')}; install examctl again`);
  return {
    checks: mostSevereFirst([...checksFrom(packaged.checks), ...own]),
    classic: checksFrom(packaged.classic),
    views: viewsFrom(packaged.views),
    windows: new Map(packaged.windows.map(({ header, sql }) => [header.get('id')?.value ?? '', sql])),
  };
}
