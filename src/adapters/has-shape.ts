/** Whether a foreign value has at least what the sample has: its keys, of the same types; of a list, in each element. */
export function hasShape(value: unknown, sample: unknown): boolean {
  if (Array.isArray(sample)) {
    return Array.isArray(value) && (sample.length === 0 || value.every((one) => hasShape(one, sample[0])));
  }
  if (typeof sample !== 'object' || sample === null) return typeof value === typeof sample;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(sample).every(([key, part]) =>
    hasShape((value as Record<string, unknown>)[key], part),
  );
}
