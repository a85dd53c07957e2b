import type { Check } from './check.ts';

/** The id that was probably meant; undefined when none is near. */
export async function nearestCheck(
  id: string,
  checks: readonly Pick<Check, 'id'>[],
): Promise<string | undefined> {
  const { closest, distance } = await import('fastest-levenshtein');
  const near = closest(
    id,
    checks.map((check) => check.id),
  );
  return distance(id, near) <= Math.max(1, id.length / 3) ? near : undefined;
}
