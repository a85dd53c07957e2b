import { closest, distance } from 'fastest-levenshtein';

/** The known name that was probably meant; undefined when none is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const candidate = closest(name.toLowerCase(), [...known]);
  const shared = name.length >= 3 && (candidate.startsWith(name) || name.startsWith(candidate));
  return shared || distance(name.toLowerCase(), candidate.toLowerCase()) <= Math.max(1, name.length / 3)
    ? candidate
    : undefined;
}

/** What to do about an unknown name: the nearest known one, or all of them. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const all = `known: ${known.join(', ')}`;
  return meant === undefined ? all : `did you mean "${meant}"? ${all}`;
}
