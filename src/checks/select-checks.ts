import { UsageError } from '../lifecycle/errors.ts';
import type { Check } from './check.ts';

/** The checks of these ids, in the order of `checks`; all of them when no ids are given. */
export async function selectChecks(
  checks: readonly Check[],
  ids: readonly string[] = [],
): Promise<readonly Check[]> {
  if (ids.length === 0) return checks;
  const known = checks.map(({ id }) => id);
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length > 0) {
    const { closest } = await import('fastest-levenshtein');
    const [first = ''] = unknown;
    throw new UsageError(`there is no check ${unknown.map((id) => `"${id}"`).join(', ')}`, {
      hint:
        known.length === 0
          ? 'there are no checks at all'
          : `did you mean "${closest(first, known)}"? all: examctl integrity list`,
    });
  }
  return checks.filter(({ id }) => ids.includes(id));
}
