import { UsageError } from '../lifecycle/errors.ts';
import { nearest } from '../lifecycle/nearest.ts';
import type { Check } from './check.ts';
import type { CheckCatalogue } from './index.ts';

/** The checks of these ids, or of a suite, in the order of the catalogue; all of them when neither is given. */
export function selectChecks(
  { checks, classic }: Pick<CheckCatalogue, 'checks' | 'classic'>,
  { only = [], suite = 'all' }: { only?: readonly string[]; suite?: string } = {},
): readonly Check[] {
  if (only.length > 0) return selected([...checks, ...classic], only);
  if (suite === 'all') return checks;
  if (suite === 'classic') return classic;
  const members = checks.filter(({ suites }) => suites.includes(suite));
  if (members.length > 0) return members;
  const suites = ['all', 'classic', ...new Set(checks.flatMap((check) => check.suites))];
  throw new UsageError(`there is no suite "${suite}"`, { hint: `one of ${suites.join(', ')}` });
}

function selected(checks: readonly Check[], ids: readonly string[]): readonly Check[] {
  const known = checks.map(({ id }) => id);
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) {
    const [first = ''] = unknown;
    const meant = nearest(first, known);
    const guess = meant === undefined ? '' : `did you mean "${meant}"? `;
    throw new UsageError(`there is no check ${unknown.map((id) => `"${id}"`).join(', ')}`, {
      hint: `${guess}all: examctl integrity list`,
    });
  }
  return checks.filter(({ id }) => ids.includes(id));
}
