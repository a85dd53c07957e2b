import type { Snapshot } from './environment.ts';

/** What is not as it was, in words; none: nothing that a fault may touch has changed. */
export function differencesOf(before: Snapshot, now: Snapshot): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names
    .filter((name) => before[name] !== now[name])
    .map((name) => `${name} was ${textOf(before[name])}, is ${textOf(now[name])}`);
}

/**
 * Whether waiting may help: only what is called a state changes by itself, as health does after a restart. Another
 * container, or another configuration, stays another one.
 */
export function maySettle(before: Snapshot, now: Snapshot): boolean {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const differing = names.filter((name) => before[name] !== now[name]);
  return differing.every((name) => name.endsWith(' state'));
}

function textOf(value: string | undefined): string {
  if (value === undefined) return 'not there';
  if (value === '') return 'empty';
  return value.length > 200 ? `${value.slice(0, 200)}...` : value;
}
