import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { packageRoot } from '../../src/adapters/package-root.ts';

/** `npm run test:full`: everything. Else, of what takes half an hour in all, a sample that the commit's hash chooses. */
export const isFull = process.env.TEST_FULL === '1';

export const onlyInFull = 'only in npm run test:full';

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: packageRoot(), stdio: 'pipe' })
      .toString()
      .trim();
  } catch {
    // not a clone
    return 'none';
  }
}

/** In an order that each commit has of its own. */
function shuffled<Item>(items: readonly Item[], nameOf: (item: Item) => string, seed: string): Item[] {
  const placeOf = (item: Item) =>
    createHash('sha256')
      .update(`${seed} ${nameOf(item)}`)
      .digest('hex');
  return items
    .map((item) => ({ item, place: placeOf(item) }))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ item }) => item);
}

/** One of them. */
export function sampleOne<Item>(items: readonly Item[], nameOf: (item: Item) => string): Item[] {
  return isFull ? [...items] : shuffled(items, nameOf, commit()).slice(0, 1);
}

/** As few as have every value of `valuesOf` that all of them have together. */
export function coveringSample<Item>(
  items: readonly Item[],
  valuesOf: (item: Item) => readonly string[],
  seed = commit(),
): Item[] {
  const open = new Set(items.flatMap(valuesOf));
  const rest = shuffled(items, (item) => valuesOf(item).join(), seed);
  const sample: Item[] = [];
  const gainOf = (item: Item) => valuesOf(item).filter((value) => open.has(value)).length;
  while (open.size > 0) {
    const best = rest.reduce((one, other) => (gainOf(other) > gainOf(one) ? other : one));
    sample.push(best);
    for (const value of valuesOf(best)) open.delete(value);
  }
  return sample;
}
